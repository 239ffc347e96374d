// Writes the seed: plain SQL that builds the database as it was at one LSN.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "storage/output_file.h"
#include "sync/context/context.h"
#include "sync/history/point.h"
#include "sync/postgres/psql_restrict.h"

namespace rotv {

struct MaterializeOptions {
  std::filesystem::path output;   // "-" is stdout; empty: HOME/seed-data.sql (.zst, .gz).
  std::string at;                 // LSN or time; empty: the snapshot.
  std::string snapshot = "head";  // "head", "baseline" or a name.
  Compression compression = Compression::kNone;
  postgres::Restrict restrict_commands = postgres::Restrict::kAuto;
  std::vector<std::string> psql_version = {"psql", "--version"};  // What asks the psql that will read it; for kAuto.
  // Whether a seed of this point is there already; then nothing is written. Asked once, while nobody else can change
  // what the name means.
  std::function<bool(const history::ResolvedPoint&)> is_there = {};
};

struct MaterializeResult {
  std::filesystem::path path;    // Where it was written; "-" for stdout.
  history::ResolvedPoint point;  // Of the state written.
  bool written = true;           // Otherwise it was there, and what follows is not known.
  uint64_t tables = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;  // Of SQL, before compression.
  double seconds = 0;
  bool restricted = false;      // psql runs no command that is in it.
  std::set<std::string> roles;  // Which an import needs, and the seed does not make.
};

// A file is built beside `output`, synced and renamed: the old one stays until then. Needs no connection.
// Throws kUsage if there is no baseline or no such point (with the range that exists), kDisk if it cannot be written.
MaterializeResult Materialize(const Context& context, const MaterializeOptions& options);

}  // namespace rotv
