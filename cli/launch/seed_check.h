// Proves that a seed can be imported: into a server that runs only for this.

#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "cli/config/app_config.h"
#include "cli/output/progress_bar.h"
#include "os/environment.h"
#include "sync/context/context.h"
#include "sync/context/database_facts.h"

namespace rotv::launch {

struct SeedCheckRequest {
  const Context& context;  // Of the seed's source.
  const config::AppConfig& app;
  output::ProgressBar& progress;
  const os::Environment& environment;
  std::filesystem::path seed;  // May be compressed.
  uint64_t sql_bytes = 0;      // Uncompressed.
  std::set<std::string> roles;
  DatabaseFacts facts;
};

// Imports the seed as `rotv start` does, and removes the server again; returns the seconds that it took. It runs as
// plain processes if PostgreSQL is installed here, else in a container. Throws kCorrupt if the seed cannot be imported,
// with psql's error, its line and the object there; kInUse if another check or comparison runs; what
// Runtime::CheckReady() throws; and kCannotStart if the server does not start.
double CheckSeedImports(const SeedCheckRequest& request);

// Returns the object whose statements or rows are at a line of a seed, by the comments above them: "TABLE DATA
// public.orders". Empty if there is none.
class ObjectAtLine {
 public:
  explicit ObjectAtLine(int64_t line) : left_(line) {}

  void Feed(std::string_view text);
  bool found() const { return left_ <= 0; }
  const std::string& object() const { return object_; }

 private:
  void Take(std::string_view line);

  int64_t left_;  // Lines to go.
  std::string begun_;
  std::string object_;
};

}  // namespace rotv::launch
