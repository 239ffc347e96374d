// Which roles a dump's statements name, which a server must have before it imports them. Pure.

#pragma once

#include <set>
#include <string>
#include <string_view>

namespace rotv::formats {

// Those that policies are for and that user mappings belong to, unquoted; `schema` is a text of pg_dump --no-owner
// --no-acl, in which nothing else names any.
std::set<std::string> RolesIn(std::string_view schema);

}  // namespace rotv::formats
