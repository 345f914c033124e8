# Configures, builds and runs a project of its own, in a folder that is fresh each time:
#   cmake "-DPROJECT=folder" "-DWORK=folder" "-DOPTIONS=-Dx=y;..." -P check.cmake
# With -DINSTALL=folder, installs COMPONENTS of that build folder of gloss to WORK instead (-DCONFIG=Release, ...).
cmake_minimum_required(VERSION 3.22)
file(REMOVE_RECURSE "${WORK}")

include("${CMAKE_CURRENT_LIST_DIR}/../run.cmake")

if(INSTALL)
  foreach(component IN LISTS COMPONENTS)
    run("${CMAKE_COMMAND}" --install "${INSTALL}" --prefix "${WORK}" --config "${CONFIG}" --component "${component}")
  endforeach()
  return()
endif()
run("${CMAKE_COMMAND}" -S "${PROJECT}" -B "${WORK}" ${OPTIONS})
run("${CMAKE_COMMAND}" --build "${WORK}")
file(GLOB program "${WORK}/consumer" "${WORK}/consumer.exe" "${WORK}/*/consumer.exe")
run("${program}")
