# For scripts of tests that need npm's packages: sets NODE and installs what package.json of SOURCE
# asks for into WORK, with the other `files` of SOURCE beside it. Without the packages' own scripts:
# one would fetch what CUDA needs. Where that cannot be, says SKIPPED and sets `missing`.
macro(npm_install)
  file(MAKE_DIRECTORY ${WORK})
  find_program(NPM npm)
  find_program(NODE node)
  set(missing TRUE)
  if(NOT NPM OR NOT NODE)
    message("SKIPPED: no npm")
  else()
    foreach(name package.json ${ARGN})
      file(COPY_FILE ${SOURCE}/${name} ${WORK}/${name})
    endforeach()
    execute_process(
      COMMAND ${NPM} install --ignore-scripts --no-audit --no-fund --no-package-lock
      WORKING_DIRECTORY ${WORK} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output
      TIMEOUT 300)
    if(result EQUAL 0)
      set(missing FALSE)
    else()
      message("SKIPPED: npm install gave nothing: ${output}")
    endif()
  endif()
endmacro()
