# Compiles two files for two processors and expects the linker to refuse, also where one is in a static library; for one
# processor it agrees.
file(MAKE_DIRECTORY "${WORK}")
file(WRITE "${WORK}/one.cpp" "#include <gloss/core/shape.hpp>\ngloss::Shape twice(gloss::Shape);\nint main() { return twice({1}).rank(); }\n")
file(WRITE "${WORK}/two.cpp" "#include <gloss/core/shape.hpp>\ngloss::Shape twice(gloss::Shape);\ngloss::Shape twice(gloss::Shape s) { return s; }\n")
set(compile "${COMPILER}" -std=c++20 "-I${INCLUDE}" -c)
include("${CMAKE_CURRENT_LIST_DIR}/../run.cmake")

run(${compile} -mavx2 -mfma "${WORK}/one.cpp" -o "${WORK}/one.o")
run(${compile} -mavx2 -mfma "${WORK}/two.cpp" -o "${WORK}/two.o")
run(${compile} -msse2 -mno-avx "${WORK}/two.cpp" -o "${WORK}/two_other.o")
file(REMOVE "${WORK}/same.a" "${WORK}/other.a")
run("${ARCHIVER}" rcs "${WORK}/same.a" "${WORK}/two.o")
run("${ARCHIVER}" rcs "${WORK}/other.a" "${WORK}/two_other.o")
foreach(same IN ITEMS two.o same.a)
  run("${COMPILER}" "${WORK}/one.o" "${WORK}/${same}" -o "${WORK}/program")
endforeach()
foreach(other IN ITEMS two_other.o other.a)
  execute_process(COMMAND "${COMPILER}" "${WORK}/one.o" "${WORK}/${other}" -o "${WORK}/program"
                  RESULT_VARIABLE status ERROR_VARIABLE errors)
  if(status EQUAL 0 OR NOT errors MATCHES "undefined")
    message(FATAL_ERROR "objects for different processors were linked (${other}): ${errors}")
  endif()
endforeach()
