# Makes one test program of the .cc files in a folder of tests/; its tests are ctest's as "folder.Suite.Test"
# (cmake/ListTests.cmake).
#
# Labels choose what runs (the test presets in CMakePresets.json). "asan" and "tsan" are what the sanitizers run; "e2e" are
# the tests in e2e/, and all others have "asan"; "slow" takes more than ten seconds: ./dev test --fast leaves it out, and
# otherwise it begins first, so that nothing long is left at the end. A line "// Labels: asan tsan" adds labels: to one
# test when it is right before it, else to all of the file. The targets asan_tests, tsan_tests and e2e_tests build the
# programs that have such tests.
#
# An end-to-end test finds what a sanitizer reports in the programs that it runs. So the sanitizers' end-to-end tests are
# those of the build for daily work, and run the sanitizer's rotv-sync and rotv (test presets asan-e2e and tsan-e2e):
# a third of what was compiled for a sanitizer is compiled once. The programs in ROTV_IN_PROCESS call what they test
# themselves, too ("inside"), and are built with AddressSanitizer like the tests of one folder.
set(ROTV_IN_PROCESS e2e/drift e2e/mask)

# What tests are compiled with: no optimisation and no checks for undefined behaviour, which would be half of the time
# and gain nothing, for what a test runs is in the libraries; and the headers that all of them include, compiled once.
# (The libraries have others compiled once, in cmake/Rooms.cmake.)
function(rotv_compile_as_test target)
  target_compile_options(${target} PRIVATE -O0 -fno-sanitize=undefined $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
  target_link_libraries(${target} PRIVATE GTest::gmock rotv::fmt rotv::json)
endfunction()

file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/test_headers.cc CONTENT "")
add_library(rotv_test_headers OBJECT ${CMAKE_CURRENT_BINARY_DIR}/test_headers.cc)
rotv_compile_as_test(rotv_test_headers)
target_precompile_headers(rotv_test_headers PRIVATE
  <gmock/gmock.h> <gtest/gtest.h> <fmt/format.h> <nlohmann/json.hpp>
  <algorithm> <chrono> <filesystem> <fstream> <functional> <map> <memory> <optional> <random> <set> <string> <thread> <vector>)

add_custom_target(asan_tests)
add_custom_target(tsan_tests)
add_custom_target(e2e_tests)
add_dependencies(asan_tests rotv-sync rotv)
add_dependencies(tsan_tests rotv-sync)
add_dependencies(e2e_tests man)  # They make a package.

function(rotv_add_tests folder)
  if(ROTV_SANITIZE AND folder MATCHES "^e2e" AND NOT (ROTV_SANITIZE MATCHES "address" AND folder IN_LIST ROTV_IN_PROCESS))
    return()
  endif()
  string(REPLACE "/" "_" name ${folder})
  set(program ${name}_test)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.cc)
  add_executable(${program} ${files})
  rotv_compile_as_test(${program})
  target_precompile_headers(${program} REUSE_FROM rotv_test_headers)
  target_link_libraries(${program} PRIVATE ${ARGN} GTest::gtest_main)
  target_compile_definitions(${program} PRIVATE
    ROTV_SYNC_BUILT="$<TARGET_FILE:rotv-sync>" ROTV_BUILT="$<TARGET_FILE:rotv>" ROTV_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    ROTV_ARTEFACTS="${CMAKE_BINARY_DIR}/artefacts" ROTV_SLOW_DISK="$<TARGET_FILE:rotv_slow_disk>"
    ROTV_ODD_DISK="$<TARGET_FILE:rotv_odd_disk>")
  if(folder MATCHES "^e2e")
    add_dependencies(${program} rotv-sync rotv rotv_slow_disk rotv_odd_disk)
    set(standard e2e)
    if(folder IN_LIST ROTV_IN_PROCESS)
      list(APPEND standard inside)
    endif()
  else()
    set(standard asan)
  endif()

  set(labelled "")
  set(all_labels ${standard})
  foreach(file ${files})
    file(READ ${file} text)
    if(NOT text MATCHES "// Labels: ")
      continue()
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    set(test_pattern "TEST(_F|_P)?\\(([A-Za-z0-9]+),[ \n]*([A-Za-z0-9]+)\\)")
    if(text MATCHES "// Labels: ([a-z0-9 ]+)\n\n")
      set(labels ${CMAKE_MATCH_1})
      string(REGEX MATCHALL "${test_pattern}" tests "${text}")
      rotv_note_labels("${standard};${labels}" "${tests}")
    else()
      string(REGEX MATCHALL "// Labels: [a-z0-9 ]+\n${test_pattern}" marked "${text}")
      foreach(test ${marked})
        string(REGEX MATCH "Labels: ([a-z0-9 ]+)" ignored "${test}")
        rotv_note_labels("${standard};${CMAKE_MATCH_1}" "${test}")
      endforeach()
    endif()
  endforeach()
  foreach(label ${all_labels})
    if(TARGET ${label}_tests)
      add_dependencies(${label}_tests ${program})
    endif()
  endforeach()

  # A test with a server mostly takes seconds, the others milliseconds.
  set(most_in_group 10)
  if(folder MATCHES "^(e2e|integration)")
    set(most_in_group 6)
  endif()
  string(REPLACE ";" "+" standard "${standard}")
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${program}.cmake @ONLY CONTENT [[
include("@CMAKE_SOURCE_DIR@/cmake/ListTests.cmake")
rotv_list_tests("@CMAKE_CURRENT_BINARY_DIR@/@program@" "@folder@" "@standard@" @most_in_group@ "@labelled@")
]])
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${CMAKE_CURRENT_BINARY_DIR}/${program}.cmake)
endfunction()

# Adds "Suite.Test|labels" of `tests`, texts that hold TEST(SUITE, NAME), to the caller's `labelled`. Labels are one text,
# "asan+tsan", since a list in a list would not stay one; ctest -L matches parts of it.
macro(rotv_note_labels labels tests)
  string(REPLACE " " ";" list "${labels}")
  list(REMOVE_DUPLICATES list)
  list(APPEND all_labels ${list})
  list(JOIN list "+" label)
  foreach(one ${tests})
    string(REGEX MATCH "\\(([A-Za-z0-9]+),[ \n]*([A-Za-z0-9]+)\\)" ignored "${one}")
    list(APPEND labelled "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}|${label}")
  endforeach()
endmacro()
