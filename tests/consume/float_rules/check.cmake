# Builds programs under flags that change the rules of floating point:
#   cmake "-DCOMPILER=..." "-DINCLUDE=..." "-DWORK=..." -P check.cmake
# Where numbers would be wrong, the compiler refuses or, as Clang defines no macro for parts of -ffast-math, the first
# tensor does; a flag that this compiler does not have is passed over. Harmless flags are taken, and so is -fno-fast-math
# behind the others.
cmake_minimum_required(VERSION 3.22)
file(MAKE_DIRECTORY "${WORK}")

# The status, and the words of the compiler and of the program.
function(build_and_run source)
  execute_process(COMMAND "${COMPILER}" -std=c++20 -O2 ${ARGN} "-I${INCLUDE}" "${CMAKE_CURRENT_LIST_DIR}/${source}" -o "${WORK}/program"
                  RESULT_VARIABLE status ERROR_VARIABLE said)
  if(status EQUAL 0)
    execute_process(COMMAND "${CMAKE_COMMAND}" -E env GLOSS_QUIET=1 "${WORK}/program" RESULT_VARIABLE status OUTPUT_VARIABLE output)
    string(APPEND said "${output}")
  endif()
  set(status "${status}" PARENT_SCOPE)
  set(said "${said}" PARENT_SCOPE)
endfunction()

# -fassociative-math needs the two flags beside it.
foreach(flags IN ITEMS -ffast-math -Ofast -ffinite-math-only -funsafe-math-optimizations -freciprocal-math -fno-honor-nans
                       -fno-honor-infinities -ffp-model=fast -fsingle-precision-constant
                       "-fassociative-math -fno-signed-zeros -fno-trapping-math")
  separate_arguments(list UNIX_COMMAND "${flags}")
  build_and_run(first_tensor.cpp ${list})
  if(NOT said MATCHES
         "gloss counts on IEEE arithmetic: build without -f[^\n]* or write -fno-fast-math behind|gloss computes in double: build without -fsingle"
     AND NOT said MATCHES "unknown argument|unrecognized|unsupported argument|is not supported")
    message(FATAL_ERROR "${flags}: status ${status}\n${said}")
  endif()
endforeach()

build_and_run(main.cpp -Ofast -fno-fast-math -fno-signed-zeros -fno-math-errno -fno-trapping-math -frounding-math -Wno-overriding-t-option)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "harmless flags: status ${status}\n${said}")
endif()
