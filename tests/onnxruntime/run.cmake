# Installs ONNX Runtime for Node.js into WORK, writes the models with the program CASES, and runs
# them by check.mjs of SOURCE. Says SKIPPED where npm is missing or gives no ONNX Runtime.
file(MAKE_DIRECTORY ${WORK})
find_program(NPM npm)
find_program(NODE node)
if(NOT NPM OR NOT NODE)
  message("SKIPPED: no npm")
  return()
endif()
foreach(name package.json check.mjs known.json)
  file(COPY_FILE ${SOURCE}/${name} ${WORK}/${name})
endforeach()
# Without scripts: the package's would fetch what CUDA needs.
execute_process(
  COMMAND ${NPM} install --ignore-scripts --no-audit --no-fund --no-package-lock
  WORKING_DIRECTORY ${WORK} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output
  TIMEOUT 300)
if(NOT result EQUAL 0)
  message("SKIPPED: npm install gave no onnxruntime-node: ${output}")
  return()
endif()
foreach(command "${CASES};cases" "${NODE};check.mjs;cases;known.json")
  execute_process(COMMAND ${command} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed: ${command}")
  endif()
endforeach()
