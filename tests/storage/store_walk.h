// StoreWalk does random things to a store, and the same to a model of it. A step is four numbers, which mean something
// in whatever state the walk is; so every list of steps is a walk, and a failing one may be shortened by leaving out
// steps. All that is done to the store is what pulls, resyncs, gc and snapshots do, in their order.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/change_log.h"
#include "storage/row_store.h"
#include "tests/storage/store_model.h"

namespace rotv::testing {

struct Step {
  enum What : uint32_t {
    kChange,
    kTruncate,
    kCommit,
    kSpill,
    kPublish,
    kEndPull,
    kResync,
    kEndResync,
    kSnapshot,
    kGc,
    kCompact,
    kBulk,
    kCheck,
    kReopen,
    kCrash,
    kWhats,
  };
  uint32_t what = kChange;
  uint32_t a = 0, b = 0, c = 0;
};

// The step with this number of the walk with this seed. Changes of rows are the most frequent steps.
Step RandomStep(uint64_t seed, uint64_t number);

// What a walk throws when the store and the model differ.
class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class StoreWalk {
 public:
  // Begins with a baseline in `directory`, which must not exist; kModel: without a store, which may be opened later.
  enum class With { kStore, kModel };
  StoreWalk(std::filesystem::path directory, With with);

  // Throws Mismatch, and whatever the store throws.
  void Do(const Step& step);

  // Opens the store for a walk that had none. Its process may be killed at any moment from now on.
  void OpenToBeKilled();
  // For a walk without a store whose store did the same, and was killed in the last step: takes back what the store
  // does not have. Returns how many states the step had published that the store lacks; RevertBy() does the same in
  // another process.
  size_t RevertToStore();
  void RevertBy(size_t back);
  // Compares every state that the store has promised; CheckStore() opens it to read.
  void CheckAll();
  void CheckStore() const;

  const StoreModel& model() const { return model_; }

 private:
  struct Resync {
    uint64_t lsn = 0;
    ModelSchema schema;
    bool changed = false;  // The schema is another one, or tables were copied.
    bool passed = false;   // The stream has passed over the migration: rows come in the new form.
  };

  void TakeBaseline();
  ModelTable NewTable(TableId table, uint32_t kind);
  void FillEpoch(TableId table, const ModelTable& form, EpochNumber epoch, uint64_t lsn, uint32_t seed);
  void Publish(const RowStore::Addition& addition);
  proto::SchemaVersion StoredSchema(uint64_t lsn, const ModelSchema& schema) const;
  void AddDescriptions(uint64_t lsn, bool with_schema, RowStore::Addition* addition);
  void AddShape(TableId table, ModelTable* form, uint32_t seed);
  static proto::Shape StoredShape(uint32_t id, const ModelShape& shape);

  void EnsureTransaction();
  void Commit();
  void Flush();
  void Settle(const Step& step);
  // The table that a step is about; nullopt: its changes are dropped now.
  std::optional<TableId> Streamed(uint32_t which) const;
  ModelTable FormInStream(TableId table) const;
  ModelChanges& Changes(TableId table, EpochNumber epoch);
  std::string Field(uint32_t seed);

  void Change(const Step& step);
  void ChangeKeyed(TableId table, const ModelTable& form, const Step& step);
  void ChangeMultiset(TableId table, const ModelTable& form, const Step& step);
  void AddToMultiset(TableId table, const ModelRow& row, int change);
  void PutRow(TableId table, const std::string& key, const ModelRow& row, const std::vector<bool>& unchanged);
  void PutTombstone(TableId table, const std::string& key);
  void Truncate(const Step& step);
  void Bulk(const Step& step);
  void PublishProgress(const Step& step);
  void EndPull();
  void BeginResync(const Step& step);
  void EndResync();
  void ChangeSnapshots(const Step& step);
  void CollectGarbage(const Step& step);
  void Crash(const Step& step);
  void Open();
  void Forget();
  void CompareManifest() const;

  std::filesystem::path directory_;
  std::unique_ptr<RowStore> store_;
  StoreModel model_;
  std::vector<ModelState> published_;            // The state before the present step, and those of the step.
  std::optional<StoreModel> before_collection_;  // Of the present step, in a walk without a store.
  size_t published_before_collection_ = 0;       // How many states were in published_ then.
  std::optional<Resync> resync_;
  std::unique_ptr<VersionBuffer> buffer_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
  ChangeLogBuilder log_;
  bool in_transaction_ = false;
  bool logged_ = false;
  bool spilled_ = false;
  uint64_t commit_lsn_ = 0;
  uint64_t next_lsn_ = 0;
  uint64_t slot_lsn_ = 0;  // The greatest LSN of a resync, even of one that a crash has undone.
  ModelTransaction transaction_;
  uint64_t written_ = 0;  // Numbers the values, so that each is another one.
  TableId last_table_ = 0;
  bool may_copy_ = true;
};

}  // namespace rotv::testing
