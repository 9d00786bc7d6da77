# Installs Playwright and axe-core into WORK, writes reports with the command WEFT, and looks at them
# in Chromium by check.mjs of SOURCE, which leaves screenshots in WORK. Says SKIPPED where Chromium or
# npm is missing, or npm gives nothing.
find_program(CHROMIUM NAMES chromium chromium-browser)
if(NOT CHROMIUM)
  message("SKIPPED: no chromium")
  return()
endif()
include(${SOURCE}/../npm.cmake)
npm_install(check.mjs page.mjs serve.mjs hostile.mjs zoo.mjs)
if(missing)
  return()
endif()
file(WRITE ${WORK}/log.csv "kind,epoch,step,loss,accuracy,learning_rate,test_loss,test_accuracy\n\
step,1,1,2.4,0.1,0.1,,\nstep,1,2,1.6,0.45,0.10000000000000002,,\nstep,1,3,0.9,0.7,0.1,,\nepoch,1,3,1.2,0.6,,0.8,0.75\n\
step,2,4,0.7,0.8,0.1,,\nstep,2,5,0.5,0.85,0.1,,\nepoch,2,5,0.6,0.82,,0.55,0.84\n")
set(report ${WEFT} report --seconds 0.2)
foreach(command
    "${report};${DIGITS};--data;digits:2000;--log;log.csv;-o;digits.html"
    "${report};lenet-bn;--data;digits:300;-o;lenet-bn.html"
    "${report};resnet50;-o;resnet50.html"
    "${report};densenet201;-o;densenet201.html"
    "${NODE};check.mjs;${CHROMIUM};${WEFT};${DIGITS};digits;lenet-bn;resnet50;densenet201")
  execute_process(COMMAND ${command} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed: ${command}")
  endif()
endforeach()
