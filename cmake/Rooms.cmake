# Makes one static library of each folder in cmake/rooms.txt, linked only to the folders that the table allows. The
# CMakeLists.txt of the folder's parent (sync/, cli/) adds external libraries.

function(rotv_library_of folder result)
  string(REPLACE "/" "_" name ${folder})
  set(${result} rotv_${name} PARENT_SCOPE)
endfunction()

# What most files include, compiled once. Clang reads it in no time, and GCC in a fifth of a second. Each file includes
# what it uses all the same: clang-tidy compiles it without this (preset lint).
function(rotv_use_headers target)
  if(NOT TARGET rotv_headers)
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/headers.cc CONTENT "")
    add_library(rotv_headers OBJECT ${CMAKE_BINARY_DIR}/headers.cc)
    target_link_libraries(rotv_headers PRIVATE rotv_proto rotv::fmt rotv::json)
    target_precompile_headers(rotv_headers PRIVATE
      <algorithm> <chrono> <filesystem> <functional> <map> <memory> <mutex> <optional> <set> <string> <thread> <vector>
      <fmt/format.h> <fmt/ranges.h> <nlohmann/json.hpp> "${CMAKE_BINARY_DIR}/proto/store.pb.h")
    # For ccache, which looks at the sources.
    target_compile_options(rotv_headers PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
  endif()
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
  target_precompile_headers(${target} REUSE_FROM rotv_headers)
endfunction()

function(rotv_add_rooms)
  set(table ${CMAKE_SOURCE_DIR}/cmake/rooms.txt)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${table})
  file(STRINGS ${table} lines REGEX "^[a-z]")
  foreach(line ${lines})
    string(REGEX MATCH "^([^:]+):(.*)$" matched ${line})
    set(folder ${CMAKE_MATCH_1})
    string(REGEX MATCHALL "[^ ]+" below "${CMAKE_MATCH_2}")
    if(folder STREQUAL "proto")
      continue()  # Its library is made from protoc's output.
    endif()
    rotv_library_of(${folder} library)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
    list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
    add_library(${library} STATIC ${sources})
    rotv_use_headers(${library})
    foreach(other ${below})
      rotv_library_of(${other} linked)
      target_link_libraries(${library} PUBLIC ${linked})
    endforeach()
  endforeach()
endfunction()
