# Compiles sources by the compiler alone, without CMake, and runs what comes out:
#   cmake "-DCOMPILER=..." "-DFLAGS=a;b" "-DSOURCES=a.cpp;b.cpp" "-DWORK=folder" [-DREFUSED=regex] [-DOUTPUT=regex] -P check.cmake
# C++20 is asked for unless STANDARD is defined (empty, where FLAGS are to bring it). REFUSED: the compiler must fail with
# a text that matches, and say little else; otherwise the program must exit with 0 and print OUTPUT.
cmake_minimum_required(VERSION 3.22)
if(NOT DEFINED STANDARD)
  set(STANDARD -std=c++20)
endif()
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
execute_process(COMMAND "${COMPILER}" ${STANDARD} ${FLAGS} ${SOURCES} -o "${WORK}/program"
                RESULT_VARIABLE status ERROR_VARIABLE errors)
if(DEFINED REFUSED)
  if(status EQUAL 0)
    message(FATAL_ERROR "it compiled")
  endif()
  string(LENGTH "${errors}" length)
  if(length GREATER 2500)
    message(FATAL_ERROR "the compiler says too much, ${length} characters")
  elseif(NOT errors MATCHES "${REFUSED}")
    message(FATAL_ERROR "the compiler does not say '${REFUSED}' but:\n${errors}")
  endif()
  return()
endif()
if(NOT status EQUAL 0 OR NOT errors STREQUAL "")
  message(FATAL_ERROR "the compiler's status is ${status}:\n${errors}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -E env GLOSS_QUIET=1 "${WORK}/program"
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
if(NOT status EQUAL 0 OR NOT output MATCHES "${OUTPUT}")
  message(FATAL_ERROR "the program's status is ${status}; it printed '${output}' and '${errors}'")
endif()
