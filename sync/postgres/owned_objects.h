// Our slots and publications on sources: records where they were created, and removes them there.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "storage/error.h"
#include "storage/workspace.h"
#include "sync/postgres/object_names.h"
#include "sync/postgres/source_session.h"

namespace rotv::postgres {

// Adds the place where they are created: the server and the database of the session, and its link.
void SetPlace(SourceSession& session, proto::OwnedObjects* objects);

// `source` with the link settings that it had when they were created.
SourceConfig SourceAtPlace(const SourceConfig& source, const proto::OwnedObjects& objects);

// An object that stays on a source.
struct Leftover {
  std::string what;   // "publication rotv_…"
  std::string where;  // "database shop of root@db.example.org:22"
  std::string why;    // "must be owner of publication rotv_…"
  std::string sql;    // The statement that removes it there.
  ErrorCode code = ErrorCode::kRefused;
};

struct Removal {
  std::vector<std::string> removed;  // "replication slot rotv_…, in database shop"
  std::vector<Leftover> left;
};

// Removes them where they were created, if that is the session's server; for a publication in another database it opens
// a connection to that one. If a killed run of ours still holds the slot, waits for the server to release it; throws
// kUnreachable if it stays in use. Objects whose removal is refused, or on another server, are in `left`.
Removal RemoveObjects(SourceSession& session, const proto::OwnedObjects& objects);
// The same, but what the session cannot remove (it is on another server, or needs another role) is tried again over the
// link that was recorded with it, if that is another one. `run_directory` is private and ours.
Removal RemoveObjectsAnywhere(SourceSession& session, const proto::OwnedObjects& objects,
                              const std::filesystem::path& run_directory);

enum class Reach { kSession, kAnywhere };
// Removes everything that the workspace has recorded and its store does not use, and the records of what is removed.
Removal RemoveLeftovers(SourceSession& session, Workspace& workspace, Reach reach);

// RemoveLeftovers() with Reach::kSession, for objects that killed runs left on the source or that replaced stores used.
// Reports to the context's progress what is removed and what stays.
void RemoveAndTellLeftovers(SourceSession& session, Workspace& workspace);

// Reports removed objects as notes, and those that stay as warnings with their SQL.
void ReportRemoval(const Removal& removal, Progress& progress);

// The SQL with which the user can remove them.
std::string RemovalSql(const proto::OwnedObjects& objects);
std::string SlotRemovalSql(const std::string& slot);
std::string PublicationRemovalSql(const std::string& publication);

// The objects that this source has recorded as created on other servers than the session's. Those servers are not
// asked.
std::vector<Leftover> RecordedElsewhere(SourceSession& session);

}  // namespace rotv::postgres
