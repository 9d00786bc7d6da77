# Installs ONNX Runtime for Node.js into WORK, writes the models with the program CASES, and runs
# them by check.mjs of SOURCE. Says SKIPPED where npm is missing or gives no ONNX Runtime.
include(${SOURCE}/../npm.cmake)
npm_install(check.mjs known.json)
if(missing)
  return()
endif()
foreach(command "${CASES};cases" "${NODE};check.mjs;cases;known.json")
  execute_process(COMMAND ${command} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed: ${command}")
  endif()
endforeach()
