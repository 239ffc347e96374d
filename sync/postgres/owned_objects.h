// The slots and publications of ours on sources: where they were made, how they are removed there.

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

// Adds where they are made: the server and the database of the session, and the way there.
void SetPlace(SourceSession& session, proto::OwnedObjects* objects);

// `source` as it was when they were made.
SourceConfig SourceAtPlace(const SourceConfig& source, const proto::OwnedObjects& objects);

// What stays on a source.
struct Leftover {
  std::string what;   // "publication rotv_…"
  std::string where;  // "database shop of root@db.example.org:22"
  std::string why;    // "must be owner of publication rotv_…"
  std::string sql;    // What removes it there.
  ErrorCode code = ErrorCode::kRefused;
};

struct Removal {
  std::vector<std::string> removed;  // "replication slot rotv_…, in database shop"
  std::vector<Leftover> left;
};

// Removes them where they were made, if that is the session's server: a publication in a database of another name or by
// another connection, too. A slot that a killed run of ours still holds is waited for; throws kUnreachable if it stays
// in use. What is refused, or on another server, is left.
Removal RemoveObjects(SourceSession& session, const proto::OwnedObjects& objects);
// The same; what the session cannot remove, on another server or as another role, is tried once more by the way that
// was recorded with it, if that is another one. `run_directory` is private and ours.
Removal RemoveObjectsAnywhere(SourceSession& session, const proto::OwnedObjects& objects,
                              const std::filesystem::path& run_directory);

enum class Reach { kSession, kAnywhere };
// Of everything that the workspace has recorded and its store does not use. What is removed is recorded no more.
Removal RemoveLeftovers(SourceSession& session, Workspace& workspace, Reach reach);

// RemoveLeftovers() as far as this session reaches, for what earlier, killed runs left on the source and what replaced
// stores have used. The context's progress tells what is removed, and what stays.
void RemoveAndTellLeftovers(SourceSession& session, Workspace& workspace);

// What is removed as a note, what stays as a warning with its SQL.
void ReportRemoval(const Removal& removal, Progress& progress);

// The SQL with which a person removes them.
std::string RemovalSql(const proto::OwnedObjects& objects);
std::string SlotRemovalSql(const std::string& slot);
std::string PublicationRemovalSql(const std::string& publication);

// What this source has recorded as made on other servers than the session's: it is not looked for there.
std::vector<Leftover> RecordedElsewhere(SourceSession& session);

}  // namespace rotv::postgres
