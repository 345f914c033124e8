# A program built without optimisation, or without OpenMP for several cores, says so: one line, on stderr, unless it is
# told to be quiet. OPENMP: the flag, where the compiler has one.
cmake_minimum_required(VERSION 3.22)
file(MAKE_DIRECTORY "${WORK}")

function(build name)
  execute_process(COMMAND "${COMPILER}" -std=c++20 "-I${INCLUDE}" ${ARGN} "${SOURCE}" -o "${WORK}/${name}"
                  RESULT_VARIABLE status ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${errors}")
  endif()
endfunction()

function(expect said name)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E env ${ARGN} "${WORK}/${name}"
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT status EQUAL 0 OR NOT output STREQUAL "1\n" OR NOT errors MATCHES "^${said}$")
    message(FATAL_ERROR "${name} ${ARGN}: expected ${said}, got status ${status}, '${output}' and '${errors}'")
  endif()
endfunction()

set(line "gloss: built without optimisation[^\n]*GLOSS_QUIET=1 hides this line\n")
build(plain -O0)
expect("${line}" plain --unset=GLOSS_QUIET)
expect("${line}" plain GLOSS_QUIET=0)
expect("" plain GLOSS_QUIET=1)
build(told_at_compile_time -O0 -DGLOSS_NO_NOTICE)
expect("" told_at_compile_time --unset=GLOSS_QUIET)

# The pool reads its setting when it is made.
expect("" plain GLOSS_QUIET=1 GLOSS_CACHE_SWEEP=0)
foreach(wrong IN ITEMS many -1 5x 99999999999999999999)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E env GLOSS_QUIET=1 GLOSS_CACHE_SWEEP=${wrong} "${WORK}/plain"
                  RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE errors)
  if(status EQUAL 0 OR NOT errors MATCHES "GLOSS_CACHE_SWEEP: '${wrong}' is not a number of allocations")
    message(FATAL_ERROR "GLOSS_CACHE_SWEEP=${wrong}: status ${status} and '${errors}'")
  endif()
endforeach()

# Optimised, on one thread: that is worth a line unless this process may use one core only.
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
find_program(TASKSET taskset)
build(one_thread -O2)
if(cores GREATER 1 AND TASKSET)
  expect("gloss: built without OpenMP .-fopenmp., which leaves [0-9]+ cores? idle[^\n]*GLOSS_QUIET=1 hides this line\n" one_thread --unset=GLOSS_QUIET)
  expect("" one_thread GLOSS_QUIET=1)
  expect("" one_thread --unset=GLOSS_QUIET "${TASKSET}" -c 0)
endif()
if(OPENMP)
  build(threads -O2 ${OPENMP})
  expect("" threads --unset=GLOSS_QUIET)
endif()
