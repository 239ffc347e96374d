// BaselineAttempt takes a baseline, or goes on with one, over one session.

#pragma once

#include <future>
#include <memory>

#include "storage/row_store.h"
#include "storage/workspace.h"
#include "sync/capture/check.h"
#include "sync/capture/exported_snapshot_reading.h"
#include "sync/capture/table_copy.h"
#include "sync/mask/mask_lineage.h"
#include "sync/mask/pii_sampler.h"
#include "sync/postgres/source_session.h"

namespace rotv {

class BaselineAttempt {
 public:
  struct Options {
    capture::WalLimit wal_limit = capture::WalLimit::kRequired;
    // kKeep: an earlier attempt of this run has told its warnings.
    postgres::SourceSession::Warnings warnings = postgres::SourceSession::Warnings::kSay;
  };
  // `store` is that of the workspace's unfinished baseline, or null; Run() sets it once there is one. All arguments
  // outlive this object.
  BaselineAttempt(postgres::SourceSession& session, Workspace& workspace, const Options& options,
                  std::unique_ptr<RowStore>& store, capture::CopyCounts& counts);

  // Copies until all tables are complete: `store` has the whole baseline on return, and the workspace has it as the
  // unfinished one. Adds to `counts` what was copied. Whatever it throws, tables that are complete in `store` can be
  // kept. Throws kRefused if the source is not fit.
  void Run();

 private:
  void Examine();
  // What a seed of this catalogue will be like, and what is not known of it.
  void WarnOfSeeds(const postgres::Catalog& catalog, const std::string& unchecked) const;
  void ReadLineage();
  void CopyAll();
  bool Try();
  bool Begin();
  void RequireDumpProgram();
  StoreState StateOf(capture::ExportedSnapshotReading& reading, const proto::OwnedObjects& objects);
  void RefreshPublished();

  postgres::SourceSession& session_;
  const Context& context_;
  Workspace& workspace_;
  const Options options_;
  std::unique_ptr<RowStore>& store_;
  capture::CopyCounts& counts_;
  mask::MaskLineage lineage_;
  mask::PiiSampler sampler_;
  proto::SchemaVersion published_;
  std::future<capture::Check> dump_program_;  // Declared last: it uses the session, and must end before the other
                                              // members.
};

}  // namespace rotv
