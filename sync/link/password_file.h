// Reads a pgpass file for servers that libpq reaches by a socket of ours, and so cannot find by their own names.
// Format: PostgreSQL manual, "The Password File".

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::link {

struct PasswordQuery {
  std::vector<std::string> hosts;  // The names under which the file may have the server.
  std::string port;
  std::string database;
  std::string user;
};

// The password of the first line that matches; nullopt if none does. Pure.
std::optional<std::string> FindPassword(std::string_view content, const PasswordQuery& query);

// The same in `file`; if that is empty, in $PGPASSFILE, else ~/.pgpass. nullopt if the file does not exist, cannot be
// read, or can be read by others: libpq ignores such a file too.
std::optional<std::string> LookUpPassword(const PasswordQuery& query, const std::string& file = "");

}  // namespace rotv::link
