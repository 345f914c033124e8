# Compiles hello.cpp with what pkg-config says of the installed package, and runs it.
set(ENV{PKG_CONFIG_PATH} "${PREFIX}/${PKGCONFIG_DIR}")
execute_process(COMMAND "${PKG_CONFIG}" --cflags --libs gloss OUTPUT_VARIABLE flags ERROR_VARIABLE errors
                RESULT_VARIABLE status OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${errors}")
endif()
execute_process(COMMAND "${PKG_CONFIG}" --modversion gloss OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT version STREQUAL VERSION)
  message(FATAL_ERROR "pkg-config says version '${version}', not ${VERSION}")
endif()
separate_arguments(FLAGS UNIX_COMMAND "${flags}")
set(STANDARD "")
include("${CMAKE_CURRENT_LIST_DIR}/../command_line/check.cmake")
