# Compiles two files for two processors and expects the linker to refuse; then for one, and expects it to agree.
file(MAKE_DIRECTORY "${WORK}")
file(WRITE "${WORK}/one.cpp" "#include <gloss/core/shape.hpp>\ngloss::Shape twice(gloss::Shape);\nint main() { return twice({1}).rank(); }\n")
file(WRITE "${WORK}/two.cpp" "#include <gloss/core/shape.hpp>\ngloss::Shape twice(gloss::Shape);\ngloss::Shape twice(gloss::Shape s) { return s; }\n")
set(compile "${COMPILER}" -std=c++20 "-I${INCLUDE}" -c)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${errors}")
  endif()
endfunction()

run(${compile} -mavx2 -mfma "${WORK}/one.cpp" -o "${WORK}/one.o")
run(${compile} -mavx2 -mfma "${WORK}/two.cpp" -o "${WORK}/two.o")
run(${compile} -msse2 -mno-avx "${WORK}/two.cpp" -o "${WORK}/two_other.o")
run("${COMPILER}" "${WORK}/one.o" "${WORK}/two.o" -o "${WORK}/program")
execute_process(COMMAND "${COMPILER}" "${WORK}/one.o" "${WORK}/two_other.o" -o "${WORK}/program"
                RESULT_VARIABLE status ERROR_VARIABLE errors)
if(status EQUAL 0 OR NOT errors MATCHES "undefined")
  message(FATAL_ERROR "objects for different processors were linked: ${errors}")
endif()
