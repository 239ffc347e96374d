// The settings of the comparison with the application's migrations. Plain data.

#pragma once

#include <string>
#include <vector>

namespace rotv::config {

struct DriftConfig {
  std::string migrations;           // A directory of SQL files; empty: the usual places are searched.
  std::string command;              // Runs the migrations, in the application's directory; empty: psql.
  std::vector<std::string> roles;   // Created before the migrations run.
  std::vector<std::string> ignore;  // Patterns of FindDrift().
  bool warn_at_start = false;       // `rotv start` compares the schemas, and warns.
};

}  // namespace rotv::config
