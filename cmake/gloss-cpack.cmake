# `cpack -G DEB` and `cpack -G TGZ` in the build folder: the headers and what finds them, the same for every machine.
# gloss::compiled and gloss::compiled_native are not in them, because a package cannot know for which compiler, processor
# and flags they are wanted.
set(CPACK_PACKAGE_NAME gloss)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_VENDOR "the gloss authors")
set(CPACK_PACKAGE_CONTACT "the gloss authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGE_FILE_NAME "gloss-${PROJECT_VERSION}")
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_STRIP_FILES OFF)
set(CPACK_GENERATOR TGZ)
# The headers as one package; the Debian package has the licence as copyright, too, in a folder of the package's name.
# They are installed by a script, because CPack by itself would first have make build everything.
set(debian_name libgloss-dev)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/${debian_name}" RENAME copyright COMPONENT debian
        EXCLUDE_FROM_ALL)
set(CPACK_INSTALL_CMAKE_PROJECTS "")
set(CPACK_INSTALL_SCRIPTS "${PROJECT_BINARY_DIR}/gloss-cpack-install.cmake")
file(CONFIGURE OUTPUT "${CPACK_INSTALL_SCRIPTS}" @ONLY CONTENT [=[
set(components headers)
if(CPACK_GENERATOR STREQUAL "DEB")
  list(APPEND components debian)
endif()
unset(ENV{DESTDIR})
foreach(component IN LISTS components)
  execute_process(COMMAND "@CMAKE_COMMAND@" --install "@PROJECT_BINARY_DIR@" --component ${component}
                          --prefix "${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}"
                  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endforeach()
]=])
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_PACKAGE_NAME ${debian_name})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libeigen3-dev (>= 3.4)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "nlohmann-json3-dev")  # tokenizers
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libfmt-dev, libstb-dev, libutf8proc-dev, zlib1g-dev")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Trains and runs Transformers on the CPU, with PyTorch's names and numbers.
Include gloss/gloss.hpp; with CMake, find_package(gloss) and link gloss::gloss.")
include(CPack)
