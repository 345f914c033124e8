# Configures, builds and runs a project of its own, in a folder that is fresh each time:
#   cmake "-DPROJECT=folder" "-DWORK=folder" "-DOPTIONS=-Dx=y;..." -P check.cmake
# With -DINSTALL=folder, installs that build folder of gloss to WORK instead (-DCONFIG=Release, ...).
file(REMOVE_RECURSE "${WORK}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${said}")
  endif()
endfunction()

if(INSTALL)
  run("${CMAKE_COMMAND}" --install "${INSTALL}" --prefix "${WORK}" --config "${CONFIG}")
  return()
endif()
run("${CMAKE_COMMAND}" -S "${PROJECT}" -B "${WORK}" ${OPTIONS})
run("${CMAKE_COMMAND}" --build "${WORK}")
file(GLOB program "${WORK}/consumer" "${WORK}/consumer.exe" "${WORK}/*/consumer.exe")
run("${program}")
