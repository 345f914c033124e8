# Defines gloss::eigen, gloss::openmp and, where they are found, gloss::json (safetensors files), gloss::zlib (deflated
# .npz files), gloss::stb (PNG and JPEG) and gloss::utf8proc (tokenizers), for the build and for the installed package
# alike.
# gloss_threads is what GLOSS_THREADS was when gloss was configured: without threads there is no OpenMP.
# Sets gloss_eigen_problem, and leaves gloss::eigen undefined, when no usable Eigen is found.

if(NOT TARGET gloss::eigen)
  set(gloss_eigen_problem "")
  # No version is asked for here: Eigen's package refuses a request for 3.4 when it is version 5.
  find_package(Eigen3 QUIET NO_MODULE)
  if(TARGET Eigen3::Eigen)
    set(gloss_eigen_version "${Eigen3_VERSION}")
    if(NOT gloss_eigen_version)
      set(gloss_eigen_version 3.4)  # brought in as a subproject: the compiler will tell
    endif()
    if(gloss_eigen_version VERSION_LESS 3.4)
      set(gloss_eigen_problem "found version ${gloss_eigen_version} in ${Eigen3_DIR}")
    else()
      add_library(gloss::eigen INTERFACE IMPORTED)
      set_target_properties(gloss::eigen PROPERTIES INTERFACE_LINK_LIBRARIES Eigen3::Eigen)
    endif()
  else()  # plain headers without a package file
    find_path(GLOSS_EIGEN_INCLUDE_DIR Eigen/Core PATH_SUFFIXES eigen3 include/eigen3)
    mark_as_advanced(GLOSS_EIGEN_INCLUDE_DIR)
    if(GLOSS_EIGEN_INCLUDE_DIR)
      add_library(gloss::eigen INTERFACE IMPORTED)
      set_target_properties(gloss::eigen PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${GLOSS_EIGEN_INCLUDE_DIR}")
    else()
      set(gloss_eigen_problem "not found; install it (Debian: libeigen3-dev) or set Eigen3_DIR or GLOSS_EIGEN_INCLUDE_DIR")
    endif()
  endif()
endif()

if(NOT TARGET gloss::openmp)
  add_library(gloss::openmp INTERFACE IMPORTED)
  if((NOT DEFINED GLOSS_OPENMP OR GLOSS_OPENMP) AND NOT gloss_threads STREQUAL "serial")
    find_package(OpenMP QUIET COMPONENTS CXX)
    if(TARGET OpenMP::OpenMP_CXX)
      set_target_properties(gloss::openmp PROPERTIES INTERFACE_LINK_LIBRARIES OpenMP::OpenMP_CXX)
    elseif(NOT gloss_FIND_QUIETLY)
      message(STATUS "gloss: no OpenMP for this compiler, so everything runs on one thread")
    endif()
  endif()
endif()

if(NOT TARGET gloss::json)
  find_package(nlohmann_json QUIET)
  find_path(GLOSS_JSON_INCLUDE_DIR nlohmann/json.hpp)  # plain headers without a package file
  mark_as_advanced(GLOSS_JSON_INCLUDE_DIR)
  if(TARGET nlohmann_json::nlohmann_json)
    add_library(gloss::json INTERFACE IMPORTED)
    set_target_properties(gloss::json PROPERTIES INTERFACE_LINK_LIBRARIES nlohmann_json::nlohmann_json)
  elseif(GLOSS_JSON_INCLUDE_DIR)
    add_library(gloss::json INTERFACE IMPORTED)
    set_target_properties(gloss::json PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${GLOSS_JSON_INCLUDE_DIR}")
  endif()
endif()

if(NOT TARGET gloss::zlib)
  find_package(ZLIB QUIET)
  if(TARGET ZLIB::ZLIB)
    add_library(gloss::zlib INTERFACE IMPORTED)
    set_target_properties(gloss::zlib PROPERTIES INTERFACE_LINK_LIBRARIES ZLIB::ZLIB
                                                 INTERFACE_COMPILE_DEFINITIONS GLOSS_ZLIB)
  endif()
endif()

if(NOT TARGET gloss::stb)
  find_path(GLOSS_STB_INCLUDE_DIR stb/stb_image.h)
  mark_as_advanced(GLOSS_STB_INCLUDE_DIR)
  if(GLOSS_STB_INCLUDE_DIR)
    add_library(gloss::stb INTERFACE IMPORTED)
    set_target_properties(gloss::stb PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${GLOSS_STB_INCLUDE_DIR}")
  endif()
endif()

if(NOT TARGET gloss::utf8proc)
  find_path(GLOSS_UTF8PROC_INCLUDE_DIR utf8proc.h)
  find_library(GLOSS_UTF8PROC_LIBRARY utf8proc)
  mark_as_advanced(GLOSS_UTF8PROC_INCLUDE_DIR GLOSS_UTF8PROC_LIBRARY)
  if(GLOSS_UTF8PROC_INCLUDE_DIR AND GLOSS_UTF8PROC_LIBRARY)
    add_library(gloss::utf8proc INTERFACE IMPORTED)
    set_target_properties(gloss::utf8proc PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${GLOSS_UTF8PROC_INCLUDE_DIR}"
                                                     INTERFACE_LINK_LIBRARIES "${GLOSS_UTF8PROC_LIBRARY}")
  endif()
endif()
