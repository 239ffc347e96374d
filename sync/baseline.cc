#include "sync/baseline.h"

#include <fmt/format.h>

#include <chrono>
#include <future>

#include "storage/error.h"
#include "storage/row_store.h"
#include "storage/workspace.h"
#include "sync/fingerprint.h"
#include "sync/preflight.h"
#include "sync/schema_dump.h"
#include "sync/sequences.h"
#include "sync/snapshot_slot.h"
#include "sync/source_session.h"
#include "sync/table_copy.h"
#include "sync/watchdog.h"

namespace rotv {
namespace {

using Clock = std::chrono::steady_clock;

// How often a baseline starts over because the schema changed under it.
constexpr int kMostTries = 5;

class BaselineRun {
 public:
  BaselineRun(const Context& context, const BaselineOptions& options, Workspace& workspace, SourceSession& session)
      : context_(context), options_(options), workspace_(workspace), session_(session) {}

  BaselineResult Run() {
    Clock::time_point start = Clock::now();
    Examine();
    for (int attempt = 1;; ++attempt) {
      objects_ = NewObjectNames(context_.source.name);
      workspace_.AddOwned(objects_);
      bool complete = false;
      try {
        complete = Try();
      } catch (...) {
        Undo();
        throw;
      }
      if (complete) break;
      RemoveStore();
      session_.RemoveLeftovers(workspace_);
      if (attempt == kMostTries) {
        throw Error(ErrorCode::kUnreachable,
                    fmt::format("the source's schema changed during each of {} tries of a baseline", kMostTries),
                    "try again when no migration runs there");
      }
      context_.progress.Warn("the source's schema changed meanwhile: starting over");
    }
    session_.RemoveLeftovers(workspace_);
    result_.wire_bytes = session_.link().BytesReceived();
    result_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return result_;
  }

 private:
  void Examine() {
    context_.progress.Begin("examining the source", Progress::Unit::kItems, 0);
    Catalog catalog = ReadCatalog(session_.connection());
    std::vector<Check> checks = CheckServer(session_, options_.wal_limit);
    for (Check& check : CheckCatalog(catalog, context_.source)) checks.push_back(std::move(check));
    ThrowFirstProblem(checks, ReportTables(catalog, context_.source));
    published_ = DescribeSchema(catalog, context_.source);
    result_.lacking = Lacking(catalog, context_.source);
    for (const std::string& lack : result_.lacking) context_.progress.Warn("the seed will lack " + lack);
    context_.progress.End();
  }

  // False if the schema changed in between. What was made is recorded, and removed by the caller.
  bool Try() {
    CreatePublication(session_.connection(), objects_.publication(), published_);
    context_.progress.Begin("waiting for a consistent point", Progress::Unit::kItems, 0);
    SnapshotSlot slot(session_, objects_.slot());
    std::unique_ptr<PgConnection> reader = slot.Import();
    context_.progress.End();

    proto::Manifest manifest;
    proto::SchemaVersion schema;
    Catalog catalog = ReadCatalog(*reader);
    Fingerprint fingerprint = ReadFingerprint(*reader, objects_.publication());
    schema = DescribeSchema(catalog, context_.source);
    if (!SameTablesAreFollowed(schema)) return RefreshPublished();
    DescribeSource(*reader, slot.lsn(), fingerprint, &manifest);
    schema.set_standard_strings(reader->Parameter("standard_conforming_strings") == "on");

    store_path_ = workspace_.NewStorePath(objects_.slot());
    std::unique_ptr<RowStore> store = RowStore::Open(store_path_, RowStore::Mode::kCreate);
    CopyCounts counts;
    {
      Watchdog watchdog(session_);
      std::future<std::optional<DumpSections>> dumping = std::async(
          std::launch::async, [&] { return DumpUnchangedSchema(slot.snapshot(), fingerprint, std::move(reader)); });
      CopyRequest request{.schema = schema, .catalog = catalog, .snapshot = slot.snapshot(), .lsn = slot.lsn()};
      if (CopyTables(session_, *store, request, &manifest, &counts) == CopyEnd::kTableMoved) return RefreshPublished();
      std::optional<DumpSections> sections = dumping.get();
      if (!sections) return RefreshPublished();
      schema.set_pre_data(sections->pre_data);
      schema.set_post_data(sections->post_data);
    }
    // Names are looked up in the catalogue as it is now: columns that changed places would have been copied as each
    // other.
    if (ReadFingerprint(session_.connection(), objects_.publication()).tables != fingerprint.tables)
      return RefreshPublished();

    Publish(*store, slot.lsn(), schema, manifest);
    CountResult(counts, schema, slot.lsn(), *store);
    store.reset();
    if (workspace_.current()) workspace_.AddOwned(workspace_.current()->objects());
    workspace_.SetCurrent(store_path_, objects_);
    store_path_.clear();
    return true;
  }

  // Nothing if the schema has changed since the snapshot: pg_dump reads a part of the catalogue as it is now.
  std::optional<DumpSections> DumpUnchangedSchema(const std::string& snapshot, const Fingerprint& fingerprint,
                                                  std::unique_ptr<PgConnection> connection) {
    std::optional<DumpSections> sections;
    std::optional<Error> failure;
    try {
      sections = DumpSchema(session_, snapshot);
    } catch (const Error& error) {
      failure = error;
    }
    connection->Query("COMMIT");  // Out of the snapshot, so that it sees what is there now.
    if (ReadFingerprint(*connection, objects_.publication()) != fingerprint) return std::nullopt;
    // As this connection still works, a migration was in its way, or the watchdog has seen it in a migration's way.
    if (failure && failure->code() == ErrorCode::kUnreachable) return std::nullopt;
    if (failure) throw *failure;
    return sections;
  }

  void Publish(RowStore& store, Lsn lsn, const proto::SchemaVersion& schema, const proto::Manifest& manifest) {
    RowStore::Addition addition;
    addition.schema = {lsn, schema};
    addition.sequences = {lsn, ReadSequences(session_.connection(), schema)};
    store.Publish(manifest, addition);
  }

  void DescribeSource(PgConnection& reader, Lsn lsn, const Fingerprint& fingerprint, proto::Manifest* manifest) {
    *manifest->mutable_source() = ReadIdentity(session_.connection());
    manifest->set_format_version(kFormatVersion);
    manifest->set_slot(objects_.slot());
    manifest->set_publication(objects_.publication());
    manifest->set_baseline_lsn(lsn.value());
    manifest->set_durable_lsn(lsn.value());
    manifest->set_head_lsn(lsn.value());
    int64_t now_us = reader.Query("SELECT (extract(epoch FROM now()) * 1000000)::bigint").Int(0, 0);
    manifest->set_baseline_time_us(now_us);
    manifest->set_head_time_us(now_us);
    manifest->set_schema_fingerprint(fingerprint.schema);
    manifest->set_table_fingerprint(fingerprint.tables);
    manifest->set_description(session_.link().Description());
    for (const std::string& lack : result_.lacking) manifest->add_lacking(lack);
  }

  // Whether exactly the tables of the publication are to be followed.
  bool SameTablesAreFollowed(const proto::SchemaVersion& schema) const {
    auto followed = [](const proto::SchemaVersion& version) {
      std::vector<std::pair<uint32_t, std::string>> tables;
      for (const proto::Table& table : version.tables()) {
        if (IsFollowed(table)) tables.emplace_back(table.id(), table.quoted_name());
      }
      return tables;
    };
    return followed(schema) == followed(published_);
  }

  // For the next try. Always false, so that a caller can return it.
  bool RefreshPublished() {
    Catalog catalog = ReadCatalog(session_.connection());
    ThrowFirstProblem(CheckCatalog(catalog, context_.source), ReportTables(catalog, context_.source));
    published_ = DescribeSchema(catalog, context_.source);
    return false;
  }

  void CountResult(const CopyCounts& counts, const proto::SchemaVersion& schema, Lsn lsn, const RowStore& store) {
    result_.lsn = lsn;
    result_.rows = counts.rows;
    result_.row_bytes = counts.bytes;
    result_.store_bytes = store.DiskBytes();
    result_.tables = 0;
    for (const proto::Table& table : schema.tables()) result_.tables += IsFollowed(table) ? 1 : 0;
  }

  void RemoveStore() {
    std::error_code ignored;
    if (!store_path_.empty()) std::filesystem::remove_all(store_path_, ignored);
    store_path_.clear();
  }

  // Removes what a failed try has made, as far as the source can be reached: what is left is recorded, and goes with
  // the next run. The session may be what has failed, so that this takes another.
  void Undo() {
    RemoveStore();
    if (workspace_.current() && workspace_.current()->objects().slot() == objects_.slot()) return;
    static const Interrupt kNotInterrupted;  // The user's wish to stop is what has brought us here.
    try {
      Context context{context_.source, context_.home, context_.progress, kNotInterrupted};
      std::filesystem::path directory =
          workspace_.RunDirectory() / "undo";  // The session's sockets have the same names.
      std::error_code ignored;
      std::filesystem::create_directory(directory, ignored);
      SourceSession cleaner(context, directory);
      cleaner.RemoveLeftovers(workspace_);
    } catch (const Error& error) {
      context_.progress.Note(fmt::format("left on the source until the next run: {}", objects_.slot()));
    }
  }

  const Context& context_;
  const BaselineOptions& options_;
  Workspace& workspace_;
  SourceSession& session_;
  proto::OwnedObjects objects_;
  proto::SchemaVersion published_;
  std::filesystem::path store_path_;
  BaselineResult result_;
};

}  // namespace

BaselineResult TakeBaseline(const Context& context, const BaselineOptions& options) {
  Workspace workspace(context.home, context.source.name, "baseline");
  if (workspace.current() && options.replace == Replace::kRefuse) {
    throw Error(ErrorCode::kUsage, fmt::format("there is a baseline of {} already", context.source.name),
                "rotv-sync pull brings it up to date; rotv-sync baseline --force replaces it");
  }
  SourceSession session(context, workspace.RunDirectory());
  session.RemoveLeftovers(workspace);
  return BaselineRun(context, options, workspace, session).Run();
}

}  // namespace rotv
