#include "sync/carry/migration.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "storage/epochs.h"
#include "sync/carry/schema_statement.h"
#include "sync/carry/table_text.h"
#include "sync/formats/copy_text.h"
#include "sync/formats/sql_statements.h"
#include "sync/postgres/large_objects.h"
#include "sync/schema/follow.h"

// Both texts are pg_dump's, so an object that did not change has the same statements in both, and what a statement
// makes is exactly what the seed would have. Statements of the first text that the second one lacks are undone, last
// ones first; those that only the second one has are run, in its order. A table whose columns changed is altered in
// place where ALTER TABLE leads to the very columns in their very order, and else made again. Whatever depends on
// something that is dropped is dropped before and made again after it, too: that is any statement with the name in it.
// One too many costs time; one that is missed makes the server refuse the DROP, and the start imports.

namespace rotv::carry {
namespace {

using Kind = SchemaStatement::Kind;

bool IsOfName(char byte) {
  return byte == '_' || byte == '$' || byte == '"' || byte == '.' || (byte >= '0' && byte <= '9') ||
         (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || static_cast<unsigned char>(byte) >= 0x80;
}

// True if the text has this qualified name, and not as a part of a longer one; a column's name may follow.
bool Mentions(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const bool begins = at == 0 || !IsOfName(text[at - 1]);
    const size_t end = at + name.size();
    if (begins && (end == text.size() || text[end] == '.' || !IsOfName(text[end]))) return true;
  }
  return false;
}

// A function's body is read when the function runs: it depends on nothing in there.
std::string_view WhatDepends(const SchemaStatement& statement) {
  const std::string_view text = statement.text;
  if (statement.kind != Kind::kRoutine) return text;
  return text.substr(0, std::min(text.find("\n    AS $"), text.find("\n    AS '")));
}

struct Entry {
  const SchemaStatement* statement = nullptr;
  bool changes = false;                                      // It is undone, or run.
  Entry* other = nullptr;                                    // The same statement of the other text.
  std::optional<TableAlteration> alteration = std::nullopt;  // Of a table that is altered in place, in both.
};

class Planner {
 public:
  Planner(const RowStore& store, const CarryEnds& ends)
      : store_(store),
        ends_(ends),
        from_statements_(SchemaStatements(ends.from_schema)),
        to_statements_(SchemaStatements(ends.to_schema)) {
    for (const SchemaStatement& statement : from_statements_) from_.push_back({.statement = &statement});
    for (const SchemaStatement& statement : to_statements_) to_.push_back({.statement = &statement});
    for (const proto::Table& table : ends.from_schema.tables()) from_tables_[table.quoted_name()] = &table;
    for (const proto::Table& table : ends.to_schema.tables()) to_tables_[table.quoted_name()] = &table;
  }

  Migration Plan() {
    if (HasStoragePlaces(ends_.from_schema) || HasStoragePlaces(ends_.to_schema)) {
      return Refused("the schema changed, and has tablespaces or access methods");
    }
    Pair();
    FindFamilies();
    ChangeInPlace();
    FollowDrops();
    WriteUndone();
    WriteRun();
    CheckTables();
    for (const SchemaStatement& statement : to_statements_) plan_.whole.push_back(statement.text);
    DecideRows();
    EmptyViews();
    return std::move(plan_);
  }

 private:
  static Migration Refused(std::string why_not) {
    Migration refused;
    refused.why_not = std::move(why_not);
    return refused;
  }

  // Pairs equal statements; the others change.
  void Pair() {
    std::map<std::string_view, std::vector<Entry*>> known;
    for (auto entry = from_.rbegin(); entry != from_.rend(); ++entry) known[entry->statement->text].push_back(&*entry);
    for (Entry& entry : from_) entry.changes = true;
    for (Entry& entry : to_) {
      std::vector<Entry*>& same = known[entry.statement->text];
      entry.changes = same.empty();
      if (same.empty()) continue;
      entry.other = same.back();
      same.back()->other = &entry;
      same.back()->changes = false;
      same.pop_back();
    }
  }

  // Partitions, children and their parents: ALTER TABLE would change more than one of them.
  void FindFamilies() {
    for (const auto* entries : {&from_, &to_}) {
      for (const Entry& entry : *entries) {
        const SchemaStatement& statement = *entry.statement;
        constexpr std::string_view kAttach = " ATTACH PARTITION ";
        const size_t attach = statement.text.find(kAttach);
        if (statement.text.starts_with("ALTER INDEX ") && attach != std::string::npos) {
          attached_indexes_.insert(statement.text.substr(attach + kAttach.size()));
        } else if (statement.kind == Kind::kAttach) {
          families_.push_back(statement.text);
        } else if (statement.kind == Kind::kTable && statement.text.find("\nINHERITS (") != std::string::npos) {
          families_.push_back(statement.text);
        }
      }
    }
  }

  bool HasFamily(const std::string& table) const {
    return std::any_of(families_.begin(), families_.end(),
                       [&](const std::string& text) { return Mentions(text, table); });
  }

  // Tables that can be altered, and functions that can be replaced, are not dropped.
  void ChangeInPlace() {
    std::map<std::string, Entry*> before;
    for (Entry& entry : from_) {
      if (entry.changes && !entry.statement->key.empty()) before[entry.statement->key] = &entry;
    }
    for (Entry& entry : to_) {
      const auto old = before.find(entry.statement->key);
      if (!entry.changes || entry.statement->key.empty() || old == before.end()) continue;
      const bool is_routine = entry.statement->kind == Kind::kRoutine;
      const bool is_of_triggers = entry.statement->text.find(" RETURNS trigger\n") != std::string::npos;
      if (is_routine && !is_of_triggers && HasComputed()) return Refuse(*entry.statement);
      if (entry.statement->kind == Kind::kTable)
        entry.alteration = AlterationOf(*old->second->statement, *entry.statement);
      if (!is_routine && !entry.alteration) continue;
      old->second->alteration = entry.alteration;
      old->second->changes = entry.changes = false;
      old->second->other = &entry;
      entry.other = old->second;
    }
  }

  // What an index, a generated column or a partition has of a row was computed when the row was written. With another
  // body of a function, also of one that others call, an import would compute something else.
  bool HasComputed() const {
    return std::any_of(from_statements_.begin(), from_statements_.end(), [&](const SchemaStatement& one) {
      const std::string& text = one.text;
      const bool computes = text.starts_with("CREATE INDEX ") || text.starts_with("CREATE UNIQUE INDEX ") ||
                            text.find(" EXCLUDE ") != std::string::npos ||
                            (one.kind == Kind::kTable && (text.find(" GENERATED ALWAYS AS (") != std::string::npos ||
                                                          text.find("PARTITION BY ") != std::string::npos));
      return computes && (text.find("OPERATOR(") != std::string::npos ||
                          std::any_of(from_statements_.begin(), from_statements_.end(), [&](const SchemaStatement& f) {
                            return f.kind == Kind::kRoutine && Mentions(text, f.name);
                          }));
    });
  }

  std::optional<TableAlteration> AlterationOf(const SchemaStatement& from, const SchemaStatement& to) const {
    const auto old_table = from_tables_.find(to.name), new_table = to_tables_.find(to.name);
    if (old_table == from_tables_.end() || new_table == to_tables_.end() || HasFamily(to.name)) return std::nullopt;
    if (old_table->second->id() != new_table->second->id()) return std::nullopt;
    const auto old_text = ReadTableText(from.text, ends_.from_schema.standard_strings());
    const auto new_text = ReadTableText(to.text, ends_.to_schema.standard_strings());
    if (!old_text || !new_text) return std::nullopt;
    return AlterTable(to.name, *old_text, *new_text,
                      FactsOf(*old_table->second, *new_table->second, *old_text, *new_text),
                      ends_.to_schema.standard_strings());
  }

  ColumnFacts FactsOf(const proto::Table& before, const proto::Table& after, const TableText& old_text,
                      const TableText& new_text) const {
    std::map<uint32_t, std::string> old_names;
    std::map<std::string, uint32_t> numbers;
    std::map<std::string, std::string> written;  // Names as they are written in the first text.
    for (const proto::ColumnState& column : before.state().columns()) old_names[column.number()] = column.name();
    for (const proto::ColumnState& column : after.state().columns()) numbers[column.name()] = column.number();
    for (const ColumnText& column : old_text.columns) written[Unquoted(column.name)] = column.name;
    std::map<uint32_t, std::string> values;
    if (schema::HasRows(after)) {
      for (const proto::Column& column : store_.shapes().Get(after.shape()).columns()) {
        std::string scratch;
        if (column.has_missing()) {
          values[column.number()] = formats::UnescapeCopyField(column.missing(), &scratch);
        }
      }
    }
    ColumnFacts facts;
    for (const ColumnText& column : new_text.columns) {
      const auto number = numbers.find(Unquoted(column.name));
      if (number == numbers.end()) continue;
      if (const auto name = old_names.find(number->second); name != old_names.end()) {
        facts.before[column.name] = written[name->second];
      } else if (const auto value = values.find(number->second); value != values.end()) {
        facts.existing[column.name] = value->second;
      }
    }
    return facts;
  }

  static std::string Unquoted(const std::string& name) {
    const std::vector<std::string> parts = formats::NameParts(name);
    return parts.empty() ? "" : parts.back();
  }

  // Drops what depends on something that is dropped, and makes it again.
  void FollowDrops() {
    std::vector<std::string> dropped;
    for (Entry& entry : from_) {
      if (entry.changes) NoteDropped(*entry.statement, &dropped);
    }
    for (size_t next = 0; next < dropped.size(); ++next) {
      const std::string name = dropped[next];
      for (Entry& entry : from_) {
        if (entry.changes || !DependsOn(*entry.statement, name)) continue;
        entry.changes = true;
        entry.alteration.reset();
        if (entry.other != nullptr) {
          entry.other->changes = true;
          entry.other->alteration.reset();
        }
        NoteDropped(*entry.statement, &dropped);
      }
    }
  }

  // A name, or "REFERENCES public.t(" for what depends on a table's keys.
  static bool DependsOn(const SchemaStatement& statement, const std::string& name) {
    if (name.ends_with('(')) return statement.text.find(name) != std::string::npos;
    return statement.name != name && Mentions(WhatDepends(statement), name);
  }

  void NoteDropped(const SchemaStatement& statement, std::vector<std::string>* dropped) {
    if (!statement.name.empty()) dropped->push_back(statement.name);
    if (statement.kind == Kind::kTable) dropped_tables_.insert(statement.name);
    if (statement.kind == Kind::kKey) {
      dropped->push_back(fmt::format("REFERENCES {}(", statement.on));
      losing_keys_.insert(statement.on);
    }
  }

  void WriteUndone() {
    for (auto entry = from_.rbegin(); entry != from_.rend(); ++entry) {
      const SchemaStatement& statement = *entry->statement;
      if (entry->alteration) Append(entry->alteration->first, &plan_.before_rows);
      if (!entry->changes) continue;
      const bool goes_with_table = dropped_tables_.contains(statement.on) && statement.kind != Kind::kTable;
      if (goes_with_table || GoesWithRoot(statement)) continue;
      if (!statement.undo) return Refuse(statement);
      if (!statement.undo->empty()) plan_.before_rows.push_back(*statement.undo);
    }
  }

  // The index of a partition cannot be dropped, and neither can the constraint that it belongs to: it goes with that of
  // the root. Where the root keeps it the comparison finds that.
  bool GoesWithRoot(const SchemaStatement& statement) const {
    if (!statement.undo) return false;
    constexpr std::string_view kIndex = "DROP INDEX ", kConstraint = " DROP CONSTRAINT ";
    if (statement.undo->starts_with(kIndex)) return attached_indexes_.contains(statement.undo->substr(kIndex.size()));
    const size_t drop = statement.undo->rfind(kConstraint), dot = statement.on.find('.');
    if (statement.kind != Kind::kKey || drop == std::string::npos || dot == std::string::npos) return false;
    const std::string schema = statement.on.substr(0, dot + 1);
    return attached_indexes_.contains(schema + statement.undo->substr(drop + kConstraint.size()));
  }

  // A partition is attached when it has the indexes that the root has, which would be made for it else.
  void WriteRun() {
    std::vector<std::string> attachments, last;
    for (const Entry& entry : to_) {
      const SchemaStatement& statement = *entry.statement;
      if (entry.alteration) {
        Append(entry.alteration->then, &plan_.before_rows);
        Append(entry.alteration->last, &last);
      } else if (!entry.changes && entry.other != nullptr && entry.other->statement->text != statement.text) {
        constexpr std::string_view kCreate = "CREATE ";
        plan_.before_rows.push_back("CREATE OR REPLACE " + statement.text.substr(kCreate.size()));
      } else if (entry.changes && statement.kind == Kind::kAttach) {
        attachments.push_back(statement.text);
      } else if (entry.changes) {
        if (statement.kind == Kind::kUnknown) return Refuse(statement);
        if (statement.after_rows && !IsOfIndexes(statement)) Append(std::exchange(attachments, {}), &plan_.after_rows);
        (statement.after_rows ? plan_.after_rows : plan_.before_rows).push_back(statement.text);
      }
    }
    Append(attachments, &plan_.after_rows);
    plan_.after_rows.insert(plan_.after_rows.begin(), last.begin(), last.end());
  }

  static bool IsOfIndexes(const SchemaStatement& statement) {
    return statement.kind == Kind::kKey || statement.text.starts_with("CREATE INDEX ") ||
           statement.text.starts_with("COMMENT ON ");
  }

  void Refuse(const SchemaStatement& statement) {
    if (!plan_.why_not.empty()) return;
    std::string words = statement.text.substr(0, statement.text.find('\n'));
    constexpr size_t kMostShown = 60;
    if (words.size() > kMostShown) words = words.substr(0, words.rfind(' ', kMostShown)) + " …";
    plan_.why_not = fmt::format("the schema changed by what is not carried: {}", words);
  }

  // What a seed has of a table is decided by more than its definition.
  void CheckTables() {
    for (const auto& [name, before] : from_tables_) {
      const auto after = to_tables_.find(name);
      if (before->id() == postgres::kLargeObjectTable ? after == to_tables_.end()
                                                      : after != to_tables_.end() && !dropped_tables_.contains(name) &&
                                                            FormOf(*before) != FormOf(*after->second)) {
        plan_.why_not = fmt::format("other rows of {} are kept", name);
      }
    }
    for (const auto& [name, after] : to_tables_) {
      if (after->id() == postgres::kLargeObjectTable && !from_tables_.contains(name)) {
        plan_.why_not = "large objects were not kept before";
      }
    }
  }

  static std::tuple<bool, std::string, std::string> FormOf(const proto::Table& table) {
    return {schema::HasRows(table), table.load_through(), table.filter()};
  }

  static void Append(const std::vector<std::string>& statements, std::vector<std::string>* to) {
    to->insert(to->end(), statements.begin(), statements.end());
  }

  // Views that have no content any more; those that are dropped and made again have none.
  void EmptyViews() {
    constexpr std::string_view kRefresh = "REFRESH MATERIALIZED VIEW ";
    const auto filled = [&](const proto::SchemaVersion& schema) {
      std::set<std::string> names;
      formats::SqlStatements statements(schema.post_data(), schema.standard_strings());
      while (const std::optional<std::string_view> statement = statements.Next()) {
        if (!statement->starts_with(kRefresh)) continue;
        std::string name(statement->substr(kRefresh.size()));
        name.erase(name.find_last_not_of("; \n") + 1);
        names.insert(std::move(name));
      }
      return names;
    };
    const std::set<std::string> after = filled(ends_.to_schema);
    for (const std::string& name : filled(ends_.from_schema)) {
      const bool is_there = std::any_of(to_statements_.begin(), to_statements_.end(), [&](const SchemaStatement& one) {
        return one.key == "MATERIALIZED VIEW " + name;
      });
      if (is_there && !after.contains(name)) {
        plan_.after_rows.push_back(fmt::format("{}{} WITH NO DATA", kRefresh, name));
      }
    }
  }

  void DecideRows() {
    std::set<std::string> altered;
    for (const Entry& entry : to_) {
      if (entry.alteration) altered.insert(entry.statement->name);
    }
    for (const auto& [name, table] : to_tables_) {
      if (!schema::HasRows(*table)) continue;
      const auto before = from_tables_.find(name);
      const bool is_new = before == from_tables_.end() || dropped_tables_.contains(name);
      const bool fits =
          !is_new && (!losing_keys_.contains(name) || KeepsPrimaryKey(name)) &&
          (altered.contains(name) ? KeepsRows(*before->second, *table) : HasItsColumns(*before->second, *table));
      if (!fits) {
        plan_.reloaded.insert(name);
      } else if (altered.contains(name)) {
        plan_.reshaped.insert(name);
      }
    }
  }

  // The text is the same where a column was dropped and came back: what it had is still in the database. Rows of two
  // tables are all compared anyway.
  static bool HasItsColumns(const proto::Table& before, const proto::Table& after) {
    const auto same = [](const proto::ColumnState& a, const proto::ColumnState& b) { return a.number() == b.number(); };
    const auto& old_columns = before.state().columns();
    const auto& new_columns = after.state().columns();
    return before.id() != after.id() ||
           std::equal(old_columns.begin(), old_columns.end(), new_columns.begin(), new_columns.end(), same);
  }

  // True if rows can be removed by their primary key before any other key is there again.
  bool KeepsPrimaryKey(const std::string& table) const {
    bool has_key = false, by_key = true;
    for (const Entry& entry : from_) {
      const SchemaStatement& statement = *entry.statement;
      if (statement.on != table) continue;
      const bool is_primary =
          statement.kind == Kind::kKey && statement.text.find(" PRIMARY KEY (") != std::string::npos;
      if (is_primary && !entry.changes) has_key = true;
      if (statement.text.find(" REPLICA IDENTITY ") != std::string::npos) by_key = false;
    }
    return has_key && by_key;
  }

  // True if the store can say from the rows of the first state what they are in a table with the columns of the second.
  bool KeepsRows(const proto::Table& before, const proto::Table& after) const {
    if (!schema::HasRows(before) || schema::IsMultiset(before) || schema::IsMultiset(after)) return false;
    const EpochNumber old_epoch = EpochOf(EpochsAt(store_.manifest(), ends_.from), before, ends_.from);
    const EpochNumber new_epoch = EpochOf(EpochsAt(store_.manifest(), ends_.to), after, ends_.to);
    if (old_epoch != new_epoch || KeyNumbers(before) != KeyNumbers(after)) return false;
    std::set<uint32_t> numbers;
    for (const proto::Column& column : store_.shapes().Get(before.shape()).columns()) numbers.insert(column.number());
    for (const proto::Column& column : store_.shapes().Get(after.shape()).columns()) {
      const bool added = ends_.to > ends_.from && column.number() > before.state().last_column();
      if (!added && !numbers.contains(column.number())) return false;
    }
    return true;
  }

  std::vector<uint32_t> KeyNumbers(const proto::Table& table) const {
    const proto::Shape& shape = store_.shapes().Get(table.shape());
    std::vector<uint32_t> numbers;
    for (const uint32_t index : table.key_columns()) numbers.push_back(shape.columns(static_cast<int>(index)).number());
    return numbers;
  }

  const RowStore& store_;
  const CarryEnds& ends_;
  const std::vector<SchemaStatement> from_statements_;
  const std::vector<SchemaStatement> to_statements_;
  std::vector<Entry> from_;
  std::vector<Entry> to_;
  std::map<std::string, const proto::Table*> from_tables_;
  std::map<std::string, const proto::Table*> to_tables_;
  std::vector<std::string> families_;       // Statements that join tables.
  std::set<std::string> attached_indexes_;  // Those of partitions, which belong to an index of the root.
  std::set<std::string> dropped_tables_;
  std::set<std::string> losing_keys_;  // Tables that lose a key, whether or not they get it again.
  Migration plan_;
};

}  // namespace

Migration PlanMigration(const RowStore& store, const CarryEnds& ends) { return Planner(store, ends).Plan(); }

}  // namespace rotv::carry
