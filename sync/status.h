// Reports what is stored, how old it is, and what it costs the source.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/context/context.h"
#include "sync/postgres/owned_objects.h"
#include "sync/remote_status.h"

namespace rotv {

struct SlotStatus {
  std::string slot;
  std::string publication;
  std::string wal_status;        // pg_replication_slots.wal_status; "missing" if the slot was dropped.
  uint64_t wal_held_bytes = 0;   // WAL that the source keeps for us.
  uint64_t pending_bytes = 0;    // WAL written since the head.
  int64_t catalog_xmin_age = 0;  // In transactions: vacuum cannot remove catalogue rows that died after it.
  std::string removal;           // The SQL that removes everything of ours from the source.
  // Why a pull needs a new baseline: the slot is lost, or the source is another one. Empty if it does not.
  std::string new_baseline;
};

// A baseline that was interrupted and can go on.
struct UnfinishedStatus {
  std::string begun;  // "22:14"
  int64_t begun_us = 0;
  uint64_t tables = 0;
  uint64_t tables_complete = 0;
  uint64_t store_bytes = 0;
  std::string ways_on;             // What can be done about it, for people.
  std::optional<SlotStatus> slot;  // Empty with --offline.
  std::string at_work;             // The run that is at work on the source: "rotv-sync baseline (process 4711)".
};

struct TableStatus {
  std::string name;
  std::string follow;  // FollowText().
  std::string reason;
};

struct StatusReport {
  bool has_baseline = false;
  std::string source;
  std::string system;  // Server version and database.
  Lsn baseline_lsn;
  int64_t baseline_time_us = 0;
  Lsn head_lsn;
  int64_t head_time_us = 0;  // The source's clock when the last pull fixed its target.
  uint64_t store_bytes = 0;
  bool detached = false;
  std::vector<TableStatus> tables;
  std::optional<SlotStatus> slot;  // Empty with --offline, without a baseline, or when detached; on a standby also if
                                   // it has no slot that was made on it.
  std::optional<UnfinishedStatus> unfinished;
  bool standby = false;                       // The source was asked, and is a standby.
  std::vector<postgres::Leftover> leftovers;  // Objects on the source that are no longer needed; empty with --offline.
  std::optional<FollowingStatus> remote;      // Of a source that follows a remote, unless with --offline.
  std::string unreachable;                    // Why the source could not be asked; empty if it was, or was not to be.
};

enum class AskSource { kYes, kNo };
// Reads the status, beside a run that is at work if there is one. `configured` are the names of all configured sources.
StatusReport Status(const Context& context, AskSource ask, const std::vector<std::string>& configured);

}  // namespace rotv
