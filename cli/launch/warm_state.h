// What a warm cluster is for, and which state it has (warm_clusters.h).

#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "os/environment.h"
#include "sync/describe_point.h"

namespace rotv::launch {

// What a cluster is made for, apart from its state: clusters of another purpose cannot be used.
struct WarmPurpose {
  std::string runtime;  // And the image there.
  std::string source;   // Empty: a foreign seed.
  std::string database;
  bool trust = false;
  bool superuser = false;
  std::string admin = {};  // As in LaunchRequest, as are the following ones.
  std::set<std::string> roles = {};
  std::string subset = {};    // SubsetFingerprint() of its rows; empty: all.
  os::Environment twin = {};  // May hold secrets: only a checksum of it is kept.
};

enum class WarmKind {
  kEmpty,    // After initdb, with its empty databases.
  kState,    // The state of a point.
  kForeign,  // A seed that somebody put there.
  kSaved,    // A started database's state under a name (`rotv save`), which production never had.
};

// The state that a cluster holds.
struct WarmState {
  WarmKind kind = WarmKind::kState;
  history::ResolvedPoint point = {};  // kState: its state; kSaved: what it was started from.
  std::string seed = {};              // kForeign: the fingerprint of the file.
  std::string saved_as = {};          // kSaved: its name.
  std::string subset = {};            // SubsetFingerprint() of its rows; empty: all. Not of kEmpty.
  std::set<std::string> pinned = {};  // Names by which it is pinned; a pinned one is not removed to make room.
  DatabaseFacts facts = {};           // Of the source's database.
  uint64_t sql_bytes = 0;             // Of the seed that was imported at first.
  uint64_t carries = 0;               // How often it was carried since,
  uint64_t carried_bytes = 0;         // and the bytes of SQL that did it.
};

// Names a purpose. An empty cluster is for whatever has the same database and rights in it.
std::string PurposeKey(const WarmPurpose& purpose);
std::string EmptyPurposeKey(const WarmPurpose& purpose);

}  // namespace rotv::launch
