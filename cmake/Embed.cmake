# Files that travel inside the program: it needs nothing beside it, wherever it is copied to.

# Writes OUTPUT, which defines FUNCTION() of cli/program/embedded_file.h, with paths relative to the source tree.
function(rotv_embed OUTPUT FUNCTION)
  set(entries "")
  foreach(path ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    file(READ ${path} text)
    file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR} ${path})
    string(APPEND entries "    {\"${name}\", R\"EMBEDDED(${text})EMBEDDED\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[// Made by cmake/Embed.cmake.
#include "cli/program/embedded_file.h"

namespace rotv::program {
namespace {
constexpr EmbeddedFile kFiles[] = {
@entries@};
}  // namespace
std::span<const EmbeddedFile> @FUNCTION@() { return kFiles; }
}  // namespace rotv::program
]])
endfunction()
