# What tests, examples and benchmarks use beyond the library itself. A missing one leaves out what needs it, and says so.
# gloss_has_NAME is set for each; gloss_optional carries all that link as libraries.

add_library(gloss_optional INTERFACE)

find_package(fmt QUIET)
find_package(CLI11 QUIET)
# fmt as headers: the library is built for one standard library, and Clang has two.
foreach(pair IN ITEMS nlohmann_json=gloss::json fmt=fmt::fmt-header-only CLI11=CLI11::CLI11 zlib=gloss::zlib stb=gloss::stb
             utf8proc=gloss::utf8proc)
  string(REGEX MATCH "^(.*)=(.*)$" _ "${pair}")
  set(name "${CMAKE_MATCH_1}")
  set(target "${CMAKE_MATCH_2}")
  if(TARGET ${target})
    set(gloss_has_${name} ON)
    target_link_libraries(gloss_optional INTERFACE ${target})
  else()
    set(gloss_has_${name} OFF)
    message(STATUS "gloss: ${name} not found: tests and examples that need it are left out")
  endif()
endforeach()

# gloss_missing_for(OUT files...): the optional libraries that some of these sources need and the machine lacks.
function(gloss_missing_for out)
  set(missing "")
  foreach(file IN LISTS ARGN)
    gloss_needs(needs "${file}")
    foreach(name IN LISTS needs)
      if(NOT gloss_has_${name})
        list(APPEND missing ${name})
      endif()
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES missing)
  set(${out} "${missing}" PARENT_SCOPE)
endfunction()
