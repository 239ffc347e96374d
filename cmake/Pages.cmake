# Writes the manual pages and the scripts for shells of a program, which declares what they say, into DIRECTORY as they
# are installed below share/: cmake -DPROGRAM=FILE -DNAME=NAME -DDIRECTORY=DIR -P.
function(rotv_write file)
  execute_process(COMMAND ${PROGRAM} ${ARGN} OUTPUT_FILE ${DIRECTORY}/${file} RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${NAME} ${ARGN}: ${failed}")
  endif()
endfunction()

# What commands that are gone have left goes, too.
file(GLOB old ${DIRECTORY}/man/man1/${NAME}.1 ${DIRECTORY}/man/man1/${NAME}-[a-z]*.1)
if(NAME STREQUAL "rotv")  # The other program's name begins with this one's.
  list(FILTER old EXCLUDE REGEX "/rotv-sync[^/]*$")
endif()
if(old)
  file(REMOVE ${old})
endif()
foreach(folder man/man1 bash-completion/completions zsh/site-functions fish/vendor_completions.d)
  file(MAKE_DIRECTORY ${DIRECTORY}/${folder})
endforeach()
execute_process(COMMAND ${PROGRAM} man --output ${DIRECTORY}/man/man1 RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${NAME} man: ${failed}")
endif()
rotv_write(bash-completion/completions/${NAME} completion bash)
rotv_write(zsh/site-functions/_${NAME} completion zsh)
rotv_write(fish/vendor_completions.d/${NAME}.fish completion fish)
