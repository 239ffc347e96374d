# Makes one test program of the *_test.cc files in a folder of tests/, and registers its tests as "folder.Suite.Test".
#
# Labels choose what the sanitizers run. All tests except those in e2e have the label "asan"; a file gives its tests
# more labels by a line of its own:  // Labels: asan tsan
# The targets asan_tests and tsan_tests build the programs that have such tests.

add_custom_target(asan_tests)
add_custom_target(tsan_tests)

function(rotv_add_tests folder)
  string(REPLACE "/" "_" name ${folder})
  set(program ${name}_test)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*_test.cc)
  add_executable(${program} ${files})
  target_link_libraries(${program} PRIVATE ${ARGN} GTest::gmock GTest::gtest_main rotv::fmt)
  target_compile_definitions(${program} PRIVATE
    ROTV_SYNC_BINARY="$<TARGET_FILE:rotv-sync>" ROTV_BINARY="$<TARGET_FILE:rotv>" ROTV_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    ROTV_ARTEFACTS="${CMAKE_BINARY_DIR}/artefacts" ROTV_SLOW_DISK="$<TARGET_FILE:rotv_slow_disk>")
  if(folder MATCHES "^e2e")
    add_dependencies(${program} rotv-sync rotv rotv_slow_disk)
  else()
    set(standard asan)
  endif()

  # Suites in files with labels of their own are registered per file; the last call registers all other suites.
  set(labelled "")
  foreach(file ${files})
    file(STRINGS ${file} line REGEX "^// Labels: " LIMIT_COUNT 1)
    if(line)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
      string(REGEX REPLACE "^// Labels: " "" labels "${line}")
      string(REPLACE " " ";" labels "${standard} ${labels}")
      file(STRINGS ${file} tests REGEX "^TEST(_F|_P)?\\(")
      set(filter "")
      foreach(test ${tests})
        string(REGEX REPLACE "^TEST[_FP]*\\(([A-Za-z0-9]+).*" "\\1" suite ${test})
        list(APPEND filter ${suite}.* */${suite}.*)
      endforeach()
      list(REMOVE_DUPLICATES filter)
      list(JOIN filter ":" filter)
      rotv_discover(${program} ${folder} "${filter}" "${labels}")
      list(APPEND labelled ${filter})
    endif()
  endforeach()
  list(JOIN labelled ":" labelled)
  if(labelled)
    set(labelled "-${labelled}")
  endif()
  rotv_discover(${program} ${folder} "${labelled}" "${standard}")
endfunction()

function(rotv_discover program folder filter labels)
  list(REMOVE_DUPLICATES labels)
  list(REMOVE_ITEM labels "")
  gtest_discover_tests(${program} TEST_PREFIX ${folder}. TEST_FILTER "${filter}" DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT 600 LABELS "${labels}")
  foreach(label ${labels})
    if(TARGET ${label}_tests)
      add_dependencies(${label}_tests ${program})
    endif()
  endforeach()
endfunction()
