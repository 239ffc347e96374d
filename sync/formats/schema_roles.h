// Finds the roles that a dump's statements name: a server must have them before it imports the dump. Pure.

#pragma once

#include <set>
#include <string>
#include <string_view>

namespace rotv::formats {

// The roles of policies and of user mappings, unquoted. `schema` is an output of pg_dump --no-owner --no-acl, in which
// nothing else names roles.
std::set<std::string> RolesIn(std::string_view schema);

}  // namespace rotv::formats
