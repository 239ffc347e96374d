#include "sync/schema/table_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sync/schema/follow.h"

namespace rotv::schema {

// The stream tells what became of rows, not what became of tables: a migration appears in it only as other Relation
// messages, and a rewrite (ALTER COLUMN TYPE … USING) not at all. So after a migration each table's description from
// before is compared with the one at the new exported snapshot, and either the stored rows are proven to be usable or
// the table is resynced.
//
// The rule is one-sided: a table is kept only if every row that is stored must be what the source has, read through the
// new shape. Columns are identified by pg_attribute.attnum, which is never used again, and not by name, since names
// move. While the stream passes over a migration, rows are recognised by names and types of columns; so whatever could
// make two columns be taken for each other (one dropped and one added, one that came and went between two pulls, which
// only last_column shows) leads to a resync.
//
// A new relfilenode alone proves nothing: TRUNCATE is streamed, and VACUUM FULL and CLUSTER change no row. Every
// rewrite that changes rows also changes the xmin of a column's row in pg_attribute. Where both have changed it may
// still be VACUUM FULL and SET NOT NULL together; one row older than the last head then decides (kKeepIfProven). A
// resync of every table with a new file would be simpler, but would copy the largest tables of the source after each
// VACUUM FULL.
//
// The cost is one pass over the catalogue's description; nothing is asked of the source here.

namespace {

// Returns the attribute numbers of the key's columns, and which of them are kept as integers.
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
  // Returns why the table needs a resync; empty if the stored rows can be used.
  std::string ReasonToResync(const proto::Table* before, const proto::Table& now) const {
    if (before == nullptr) return "it is new";
    if (!HasRows(*before)) return "its rows were not kept before";
    if (comparison_.must_copy.count(now.id()) != 0) return "some of its changes could not be followed";
    if (before->follow() != now.follow()) return "it is followed in another way than before";
    const proto::Shape& shape_before = comparison_.shapes.Get(before->shape());
    const proto::Shape& shape_now = comparison_.shapes.Get(now.shape());
    if (KeyOf(*before, shape_before) != KeyOf(now, shape_now)) return "its rows are identified by other columns";
    if (before->state().constraint_oid() != now.state().constraint_oid())
      return "its key was dropped and created again";
    if (IsStreamed(now) && before->state().membership() != now.state().membership()) {
      return "it was not in the publication all the time";
    }
    if (before->mask().SerializeAsString() != now.mask().SerializeAsString()) return "it is masked by other rules";
    if (!IsStreamed(now)) return ReasonToResyncUnstreamed(*before, now);
    return ReasonInColumns(*before, now);
  }

  std::string ReasonToResyncUnstreamed(const proto::Table& before, const proto::Table& now) const {
    if (before.content() != now.content()) return "it has changed";
    if (before.filter() != now.filter()) return "a dump has other rows of it than before";
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
    // A column that came and went may have looked like one that is there now, or was there before.
    if (now.state().last_column() - before.state().last_column() != added)
      return "a column of it was added and dropped again";
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
      return fmt::format("its column {} refers to other objects, which may have been renamed", now.number());
    }
    return {};
  }

  // True if the table has a new file and some column a new definition: VACUUM FULL and SET NOT NULL do that together,
  // and so does a rewrite with USING.
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
