#include "sync/schema/table_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sync/schema/follow.h"

namespace rotv::schema {
namespace {

// The numbers of the key's columns, and which of them are kept as integers.
std::vector<std::pair<uint32_t, bool>> KeyOf(const proto::Table& table, const proto::Shape& shape) {
  std::vector<std::pair<uint32_t, bool>> key;
  for (int i = 0; i < table.key_columns_size(); ++i) {
    key.emplace_back(shape.columns(static_cast<int>(table.key_columns(i))).number(), table.key_is_integer(i));
  }
  return key;
}

class Comparer {
 public:
  explicit Comparer(const SchemaComparison& comparison) : comparison_(comparison) {
    for (const proto::Table& table : comparison.before.tables()) before_[table.id()] = &table;
    std::map<uint32_t, const proto::EnumLabel*> labels;
    for (const proto::EnumLabel& label : comparison.now.enum_labels()) labels[label.oid()] = &label;
    for (const proto::EnumLabel& label : comparison.before.enum_labels()) {
      auto found = labels.find(label.oid());
      if (found == labels.end() || found->second->label() != label.label()) renamed_enums_.insert(label.type_oid());
    }
  }

  TableChange Compare(const proto::Table& now) const {
    auto found = before_.find(now.id());
    TableChange change{.before = found == before_.end() ? nullptr : found->second, .now = &now, .reason = {}};
    if (!HasRows(now)) return change;
    change.reason = ReasonToResync(change.before, now);
    if (!change.reason.empty()) {
      change.fate = Fate::kCopy;
    } else {
      change.fate = NeedsProof(*change.before, now) ? Fate::kKeepIfProven : Fate::kKeep;
    }
    return change;
  }

 private:
  // Empty if the stored rows serve.
  std::string ReasonToResync(const proto::Table* before, const proto::Table& now) const {
    if (before == nullptr) return "it is new";
    if (!HasRows(*before)) return "its rows were not kept before";
    if (comparison_.must_copy.count(now.id()) != 0) return "not all of its changes could be followed";
    if (before->follow() != now.follow()) return "it is followed in another way than before";
    const proto::Shape& shape_before = comparison_.shapes.Get(before->shape());
    const proto::Shape& shape_now = comparison_.shapes.Get(now.shape());
    if (KeyOf(*before, shape_before) != KeyOf(now, shape_now)) return "its rows are identified by other columns";
    if (before->state().constraint_oid() != now.state().constraint_oid()) return "its key was made anew";
    if (IsStreamed(now) && before->state().membership() != now.state().membership()) {
      return "it was not published all the while";
    }
    if (before->mask().SerializeAsString() != now.mask().SerializeAsString()) return "it is masked by other rules";
    if (!IsStreamed(now)) return ReasonToResyncUnstreamed(*before, now);
    return ReasonInColumns(*before, now);
  }

  std::string ReasonToResyncUnstreamed(const proto::Table& before, const proto::Table& now) const {
    if (before.content() != now.content()) return "it has changed";
    if (before.filter() != now.filter()) return "other rows of it are dumped than before";
    if (before.shape() != now.shape()) return "its columns have changed";
    return ReasonInColumns(before, now);
  }

  std::string ReasonInColumns(const proto::Table& before, const proto::Table& now) const {
    std::map<uint32_t, const proto::ColumnState*> columns;
    for (const proto::ColumnState& column : before.state().columns()) columns[column.number()] = &column;
    uint32_t added = 0;
    bool added_row_column = false;
    for (const proto::ColumnState& column : now.state().columns()) {
      auto found = columns.find(column.number());
      if (found != columns.end()) {
        if (std::string reason = ReasonInColumn(*found->second, column); !reason.empty()) return reason;
        columns.erase(found);
        continue;
      }
      ++added;
      added_row_column |= !column.generated();
    }
    bool dropped_row_column =
        std::any_of(columns.begin(), columns.end(), [](const auto& column) { return !column.second->generated(); });
    // A column that came and went may have looked like one of those that are there now, or were before.
    if (now.state().last_column() - before.state().last_column() != added) return "a column of it came and went";
    if (added_row_column && dropped_row_column) return "columns of it were added and dropped";
    if (IsMultiset(now) && (added_row_column || dropped_row_column)) return "its rows have other columns than before";
    if (added_row_column && before.state().file() != now.state().file()) return "it was rewritten for a new column";
    return {};
  }

  std::string ReasonInColumn(const proto::ColumnState& before, const proto::ColumnState& now) const {
    if (before.type_oid() != now.type_oid() || before.generated() != now.generated()) {
      return fmt::format("its column {} has another type", now.number());
    }
    bool renamed = std::any_of(now.enums().begin(), now.enums().end(),
                               [this](uint32_t type) { return renamed_enums_.count(type) != 0; });
    if (before.type_fingerprint() != now.type_fingerprint() || renamed) {
      return fmt::format("the type of its column {} has changed", now.number());
    }
    if (now.by_name() && comparison_.text_changed) {
      return fmt::format("its column {} names other objects, which may have other names", now.number());
    }
    return {};
  }

  // Whether the table has a new file and some column a new definition: VACUUM FULL and SET NOT NULL do that, and so
  // does a rewrite with USING.
  static bool NeedsProof(const proto::Table& before, const proto::Table& now) {
    if (!IsStreamed(now) || before.state().file() == now.state().file()) return false;
    std::map<uint32_t, uint32_t> definitions;
    for (const proto::ColumnState& column : before.state().columns()) definitions[column.number()] = column.xmin();
    return std::any_of(now.state().columns().begin(), now.state().columns().end(), [&](const auto& column) {
      auto found = definitions.find(column.number());
      return found != definitions.end() && found->second != column.xmin();
    });
  }

  const SchemaComparison& comparison_;
  std::map<uint32_t, const proto::Table*> before_;
  std::set<uint32_t> renamed_enums_;
};

}  // namespace

std::vector<TableChange> CompareTables(const SchemaComparison& comparison) {
  Comparer comparer(comparison);
  std::vector<TableChange> changes;
  for (const proto::Table& table : comparison.now.tables()) changes.push_back(comparer.Compare(table));
  return changes;
}

}  // namespace rotv::schema
