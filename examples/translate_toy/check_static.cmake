# Links translate_toy's objects as one static, stripped file: it needs no library beyond the system's, stays below 5 MB
# and runs. LIBRARIES: what the program links that is not C++ or OpenMP, as static ones where there are such.
cmake_minimum_required(VERSION 3.22)
file(MAKE_DIRECTORY "${WORK}")
execute_process(COMMAND "${COMPILER}" -static -s -Wl,--gc-sections ${FLAGS} ${OBJECTS} -o "${WORK}/translate_toy" ${LIBRARIES}
                RESULT_VARIABLE status ERROR_VARIABLE said)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${said}")
endif()
file(SIZE "${WORK}/translate_toy" size)
message("${size} bytes")
if(size GREATER_EQUAL 5000000)
  message(FATAL_ERROR "translate_toy has ${size} bytes")
endif()
execute_process(COMMAND "${WORK}/translate_toy" --help RESULT_VARIABLE status OUTPUT_VARIABLE said)
if(NOT status EQUAL 0 OR NOT said MATCHES "translate_toy train")
  message(FATAL_ERROR "it ends with ${status}: ${said}")
endif()
