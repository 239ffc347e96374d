// Checks what is stored of a source, without a connection, and repairs what the source still has.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/check/finding.h"
#include "sync/context/context.h"

namespace rotv {

struct CheckRequest {
  int read_percent = 0;  // 0 to 100: the share of the files of rows that is read completely, chosen by chance.
  bool repair = false;   // What is damaged is copied from the source, which must be configured.
};

struct CheckedStore {
  enum class Role { kCurrent, kKept };
  Role role = Role::kCurrent;
  check::StoreReport report;
};

// A directory that no command uses: an earlier store that was left where it was, or a copy.
struct OrphanedStore {
  std::filesystem::path path;
  uint64_t bytes = 0;
};

struct Repaired {
  std::filesystem::path store;       // The store that took the place of the damaged one.
  std::filesystem::path kept_aside;  // The damaged one.
  bool log_lost = false;             // The change log begins again.
};

struct CheckResult {
  std::string source;
  bool has_baseline = false;
  std::vector<check::Finding> records;  // Damage of `current` and `owned`.
  std::vector<CheckedStore> stores;
  std::vector<OrphanedStore> orphans;
  std::vector<Repaired> repaired;
  std::vector<std::string> copied;  // Tables that were copied from the source, quoted.
  std::optional<Lsn> head;          // The head after that.
  std::string not_copied;           // Why the source could not be asked; the next pull copies the tables.
  double seconds = 0;

  uint64_t damages() const;  // Findings that are not repaired.
};

// Checks all stores of the source. Changes nothing unless it repairs; the home directory may be one that cannot be
// written. A repair makes a new store of what is sound and has tables that lack rows resynced; the damaged store stays
// beside it. Throws SourceInUse, kUsage if there is no such source, kDisk; while it repairs, also what Pull() throws
// except for errors of the source, which leave the rest of the work to the next pull.
CheckResult CheckStored(const Context& context, const CheckRequest& request);

// The names of all sources that have a directory here, sorted.
std::vector<std::string> StoredSources(const std::filesystem::path& home);

}  // namespace rotv
