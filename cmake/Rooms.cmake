# Makes one static library of each folder in cmake/rooms.txt, linked only to the folders that the table allows. The
# CMakeLists.txt of the folder's parent (sync/, cli/) adds external libraries.

function(rotv_library_of folder result)
  string(REPLACE "/" "_" name ${folder})
  set(${result} rotv_${name} PARENT_SCOPE)
endfunction()

# The folders where AddressSanitizer looks at each byte of much data: there in place, which is what GCC does of itself.
set(ROTV_PER_BYTE storage sync/formats sync/mask)

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
    if(folder MATCHES "^cli/" AND ROTV_SANITIZE)
      # A quarter less to compile, and no test waits for what these do.
      target_compile_options(${library} PRIVATE -O0)
    elseif(folder IN_LIST ROTV_PER_BYTE AND ROTV_ASAN_CALLS)
      target_compile_options(${library} PRIVATE "SHELL:--param asan-instrumentation-with-call-threshold=7000")
    endif()
    foreach(other ${below})
      rotv_library_of(${other} linked)
      target_link_libraries(${library} PUBLIC ${linked})
    endforeach()
  endforeach()
endfunction()
