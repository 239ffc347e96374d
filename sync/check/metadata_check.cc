#include "sync/check/metadata_check.h"

#include <fmt/format.h>

#include <map>

#include "storage/epochs.h"
#include "storage/error.h"
#include "sync/schema/follow.h"

// Everything here is small but the change log, which is read once: some hundred megabytes a second. Each message that
// can be parsed is held against what the others say. What does not fit was written by a bug, or by somebody: checksums
// have been checked when it was read.

namespace rotv::check {
namespace {

class MetadataCheck {
 public:
  MetadataCheck(const RowStore& store, const Interrupt& interrupt) : store_(store), interrupt_(interrupt) {}

  std::vector<std::string> Run(const std::set<DataFile::Content>& unreadable) {
    const auto readable = [&](DataFile::Content content) { return unreadable.count(content) == 0; };
    Try([&] { Manifest(); });
    if (readable(DataFile::Content::kOther)) Try([&] { Sequences(); });
    if (readable(DataFile::Content::kSchemas)) Try([&] { Schemas(); });
    if (readable(DataFile::Content::kChangeLog)) Try([&] { ChangeLog(); });
    return std::move(problems_);
  }

 private:
  template <typename Part>
  void Try(const Part& part) {
    try {
      part();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt) throw;
      problems_.emplace_back(error.what());
    }
  }

  void Require(bool holds, const std::string& otherwise) {
    constexpr size_t kMost = 20;
    if (!holds && problems_.size() < kMost) problems_.push_back(otherwise);
  }

  void Manifest() {
    for (const std::string& problem : ManifestProblems(store_.manifest())) Require(false, problem);
  }

  void Sequences() {
    for (const Lsn lsn : store_.SequenceLsns()) (void)store_.SequencesAt(lsn);
  }

  void Schemas() {
    for (const Lsn lsn : store_.SchemaLsns()) {
      interrupt_.Check();
      for (const std::string& problem : SchemaProblems(store_.SchemaAt(lsn), lsn, store_.shapes())) {
        Require(false, problem);
      }
    }
    for (const NamedState& state : NamedStates(store_.manifest())) State(state);
  }

  // What an earlier repair could not save is no contradiction.
  void State(const NamedState& state) {
    std::map<TableId, EpochNumber> epochs = EpochsAt(store_.manifest(), state.lsn);
    for (const proto::TableHistory& history : store_.manifest().tables()) {
      for (const proto::Epoch& epoch : history.epochs()) {
        if (epoch.damaged()) epochs.emplace(history.table(), epoch.number());
      }
    }
    const proto::SchemaVersion schema = store_.SchemaAt(state.lsn);
    for (const proto::Table& table : schema.tables()) {
      if (!schema::HasRows(table)) continue;
      Require(epochs.count(table.id()) > 0, fmt::format("{} has no rows of {}", state.name, table.quoted_name()));
    }
  }

  void ChangeLog() {
    Lsn last;
    uint64_t seen = 0;
    store_.VisitLog(Lsn(), [&](const proto::Transaction& transaction) {
      constexpr uint64_t kBetweenLooks = 1024;
      if (++seen % kBetweenLooks == 0) interrupt_.Check();
      const Lsn lsn(transaction.commit_lsn());
      Require(lsn >= last, fmt::format("the change log has {} after {}", lsn.ToString(), last.ToString()));
      for (const proto::TableChanges& changes : transaction.changes()) {
        Require(HasWholeKeys(changes.keys()), fmt::format("the change log has a broken key at {}", lsn.ToString()));
      }
      last = lsn;
      return true;
    });
  }

  static bool HasWholeKeys(std::string_view keys) {
    while (!keys.empty()) {
      uint64_t size = 0;
      for (int shift = 0;; shift += 7) {
        if (keys.empty() || shift > 28) return false;
        const auto byte = static_cast<unsigned char>(keys.front());
        keys.remove_prefix(1);
        size |= static_cast<uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) break;
      }
      if (size > keys.size()) return false;
      keys.remove_prefix(size);
    }
    return true;
  }

  const RowStore& store_;
  const Interrupt& interrupt_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> ManifestProblems(const proto::Manifest& manifest) {
  std::vector<std::string> problems;
  const auto require = [&problems](bool holds, const std::string& otherwise) {
    if (!holds) problems.push_back(otherwise);
  };
  require(manifest.baseline_lsn() <= manifest.head_lsn() && manifest.head_lsn() <= manifest.durable_lsn(),
          "its baseline, its head and what is durable are not in this order");
  for (const proto::TableHistory& history : manifest.tables()) {
    const proto::Epoch* before = nullptr;
    for (const proto::Epoch& epoch : history.epochs()) {
      const bool in_order =
          before == nullptr || (before->number() < epoch.number() && before->start_lsn() <= epoch.start_lsn());
      require(in_order && epoch.number() <= history.last_number(),
              fmt::format("the epochs of table {} are not in order", history.table()));
      before = &epoch;
    }
  }
  for (const proto::Gap& gap : manifest.gaps()) {
    require(gap.after_lsn() < gap.before_lsn() && gap.before_lsn() <= manifest.head_lsn(),
            "a gap of the history is not in it");
  }
  std::set<std::string> names;
  for (const proto::Snapshot& snapshot : manifest.snapshots()) {
    require(names.insert(snapshot.name()).second, "two snapshots have the name " + snapshot.name());
    require(snapshot.lsn() >= manifest.baseline_lsn() && snapshot.lsn() <= manifest.head_lsn(),
            fmt::format("the snapshot {} is outside of the history", snapshot.name()));
  }
  return problems;
}

std::vector<std::string> SchemaProblems(const proto::SchemaVersion& schema, Lsn lsn, const ShapeMap& shapes) {
  std::vector<std::string> problems;
  const auto require = [&problems](bool holds, const std::string& otherwise) {
    if (!holds) problems.push_back(otherwise);
  };
  for (const proto::Table& table : schema.tables()) {
    if (!schema::HasRows(table)) continue;
    const proto::Shape& shape = shapes.Get(table.shape());
    const std::string where = fmt::format("of {} in the schema at {}", table.quoted_name(), lsn.ToString());
    require(shape.table() == 0 || shape.table() == table.id(), "the shape " + where + " is another table's");
    for (const uint32_t column : table.key_columns()) {
      require(column < static_cast<uint32_t>(shape.columns_size()),
              "the key " + where + " has a column that is not there");
    }
    require(table.key_is_integer_size() == table.key_columns_size(), "the key " + where + " is incomplete");
  }
  return problems;
}

std::vector<std::string> FindContradictions(const RowStore& store, const std::set<DataFile::Content>& unreadable,
                                            const Interrupt& interrupt) {
  return MetadataCheck(store, interrupt).Run(unreadable);
}

std::vector<NamedState> NamedStates(const proto::Manifest& manifest) {
  std::vector<NamedState> states = {{"head", Lsn(manifest.head_lsn())}, {"baseline", Lsn(manifest.baseline_lsn())}};
  for (const proto::Snapshot& snapshot : manifest.snapshots()) {
    states.push_back({"snapshot " + snapshot.name(), Lsn(snapshot.lsn())});
  }
  return states;
}

}  // namespace rotv::check
