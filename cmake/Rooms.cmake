# Makes one static library of each folder in cmake/rooms.txt, linked only to the folders that the table allows. The
# CMakeLists.txt of the folder's parent (sync/, cli/) adds external libraries.

function(rotv_library_of folder result)
  string(REPLACE "/" "_" name ${folder})
  set(${result} rotv_${name} PARENT_SCOPE)
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
    foreach(other ${below})
      rotv_library_of(${other} linked)
      target_link_libraries(${library} PUBLIC ${linked})
    endforeach()
  endforeach()
endfunction()
