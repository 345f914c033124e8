# cmake -DLIST=file -P compile.cmake -- command...: compiles each source that the file names, one a line, with the
# command; fails when one fails, after all. Objects are made, and not only the syntax checked, because a compiler cache
# keeps them.
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/command.cmake")
set(failed "")
file(STRINGS "${LIST}" sources)
foreach(source IN LISTS sources)
  execute_process(COMMAND ${command} -c "${source}" -o "${source}.o" RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    list(APPEND failed "${source}")
  endif()
endforeach()
if(NOT sources OR NOT command)
  message(FATAL_ERROR "nothing to compile")
endif()
if(failed)
  message(FATAL_ERROR "did not compile cleanly: ${failed}")
endif()
