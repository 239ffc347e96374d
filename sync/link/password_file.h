// A pgpass file, for servers that libpq reaches by a socket of ours and so cannot find in it by their own name.
// Format: PostgreSQL manual, "The Password File".

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::link {

struct PasswordQuery {
  std::vector<std::string> hosts;  // The names under which the server may stand there.
  std::string port;
  std::string database;
  std::string user;
};

// The password of the first line that fits; nothing if none does. Pure.
std::optional<std::string> FindPassword(std::string_view content, const PasswordQuery& query);

// The same in `file`, or where that is empty in $PGPASSFILE, else ~/.pgpass. Nothing if the file is not there, cannot
// be read, or can be read by others: libpq ignores such a file too.
std::optional<std::string> LookUpPassword(const PasswordQuery& query, const std::string& file = "");

}  // namespace rotv::link
