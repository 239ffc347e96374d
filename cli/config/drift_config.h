// What the config says of the application's migrations. Plain data.

#pragma once

#include <string>
#include <vector>

namespace rotv::config {

struct DriftConfig {
  std::string migrations;           // A directory of SQL files; empty: where applications usually have them.
  std::string command;              // What runs them, in the application's directory; empty: psql does.
  std::vector<std::string> roles;   // To be there before them.
  std::vector<std::string> ignore;  // Patterns as FindDrift() takes them.
  bool warn_at_start = false;       // `rotv start` compares, and warns.
};

}  // namespace rotv::config
