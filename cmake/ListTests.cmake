# Tells ctest of the tests of one program. ctest itself reads this, each time that it starts (cmake/Tests.cmake).
#
# As a rule each test is one of ctest's, "folder.Suite.Test", and has a process of its own. If ROTV_TESTS_LEFT_OUT is
# set, as by ./dev test without a filter, one process runs several tests, "folder.Suite.Test+5" this one and the five
# after it that have the same labels: they share what a process makes once, such as the server that seeds are imported
# into, and with a sanitizer most processes take longer to start than a test takes. Tests with the label "slow" have a
# process of their own in any case. The variable is a regular expression of tests that do not run: ctest's own -E would
# not see them in a group.
#
# `labelled` is a list of "Suite.Test|labels"; all others have `standard`.
function(rotv_list_tests program folder standard most_in_group labelled)
  cmake_path(GET program FILENAME name)
  if(NOT EXISTS ${program})
    add_test(${name}_NOT_BUILT ${name}_NOT_BUILT)
    return()
  endif()
  foreach(one IN LISTS labelled)
    string(REGEX MATCH "^(.*)[|](.*)$" ignored "${one}")
    set(labels_of_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
  endforeach()

  set(groups "")
  rotv_read_tests(tests ${program})
  foreach(test IN LISTS tests)
    # "Instance/Suite.Test/Parameter" has the labels of Suite.Test.
    string(REGEX REPLACE "^[^/.]+/([^/.]+[.][^/]+)/.*$" "\\1" plain ${test})
    set(labels ${standard})
    if(DEFINED labels_of_${plain})
      set(labels ${labels_of_${plain}})
    endif()
    if("$ENV{ROTV_TESTS_LEFT_OUT}" STREQUAL "")
      rotv_add_group(${program} ${folder} ${labels} ${test})
    elseif(NOT ${folder}.${test} MATCHES "$ENV{ROTV_TESTS_LEFT_OUT}")
      if(labels MATCHES "slow")
        rotv_add_group(${program} ${folder} ${labels} ${test})
        continue()
      endif()
      list(APPEND groups ${labels})
      list(APPEND group_${labels} ${test})
      list(LENGTH group_${labels} length)
      if(length EQUAL most_in_group)
        rotv_add_group(${program} ${folder} ${labels} ${group_${labels}})
        set(group_${labels} "")
      endif()
    endif()
  endforeach()
  list(REMOVE_DUPLICATES groups)
  foreach(labels IN LISTS groups)
    if(NOT "${group_${labels}}" STREQUAL "")
      rotv_add_group(${program} ${folder} ${labels} ${group_${labels}})
    endif()
  endforeach()
endfunction()

# Sets `result` to the names of all tests of the program. They are kept beside it for as long as it is the same.
function(rotv_read_tests result program)
  set(list ${program}.tests)
  if(${program} IS_NEWER_THAN ${list})
    execute_process(COMMAND ${program} --gtest_list_tests OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX REPLACE " +#[^\n]*" "" text "${text}")  # The values of parameters.
    file(WRITE ${list}.new "${text}")  # Whole or not at all: another ctest may be reading it.
    file(RENAME ${list}.new ${list})
  endif()
  file(STRINGS ${list} lines)
  set(tests "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^  (.+)$")
      list(APPEND tests ${suite}${CMAKE_MATCH_1})
    elseif(line MATCHES "^[^ ]+[.]$")
      set(suite ${line})
    endif()
  endforeach()
  set(${result} ${tests} PARENT_SCOPE)
endfunction()

# Makes one test of ctest of these tests. Slow ones begin first, then large groups, so that nothing long is left at the
# end.
function(rotv_add_group program folder labels)
  list(GET ARGN 0 name)
  list(LENGTH ARGN length)
  list(JOIN ARGN ":" filter)
  set(cost ${length})
  if(labels MATCHES "slow")
    set(cost 100)
  endif()
  if(length GREATER 1)
    math(EXPR others "${length} - 1")
    string(APPEND name "+${others}")
  endif()
  math(EXPR timeout "540 + 60 * ${length}")
  add_test(${folder}.${name} ${program} --gtest_filter=${filter})
  set_tests_properties(${folder}.${name} PROPERTIES LABELS ${labels} COST ${cost} TIMEOUT ${timeout})
endfunction()
