# Installs the packages of web/package-lock.json into web/node_modules, where another build tree may have
# put them already. -DWEB=folder -DNPM=program -DSTAMP=file
cmake_minimum_required(VERSION 3.25)
file(LOCK ${WEB}/node_modules/.lock)
file(SHA256 ${WEB}/package-lock.json wanted)
set(installed_file ${WEB}/node_modules/.verge-lock)
set(installed "")
if(EXISTS ${installed_file})
  file(READ ${installed_file} installed)
endif()
if(NOT installed STREQUAL wanted)
  execute_process(COMMAND ${NPM} ci --ignore-scripts --no-progress WORKING_DIRECTORY ${WEB}
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    message(FATAL_ERROR "npm could not install the packages of the web interface:\n${output}\n"
      "Build again with a network, or without the web interface: cmake -DVERGE_WEB=OFF.")
  endif()
  file(WRITE ${installed_file} ${wanted})
endif()
file(TOUCH ${STAMP})
