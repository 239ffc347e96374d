#include "sync/drift/sketch.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "sync/drift/sketch_column.h"
#include "sync/drift/sketch_settings.h"
#include "sync/formats/dump_text.h"

// Objects are dropped and created in the order of their kinds (RankOf), and within a kind in the order in which they
// were created, for an object mostly needs only older ones of kinds before its own. Sorting by the catalogue's own
// dependencies was refused: of the schema that does not exist yet there are none. A sketch that is in the wrong order
// fails when it is run, which is why it is a draft for people to read.

namespace rotv::drift {
namespace {

constexpr int kTableRank = 80;

// Orders kinds by their dependencies: each mostly needs only those before it.
int RankOf(const SchemaObject& object) {
  static const std::map<std::string, int> kRanks = {{"schema", 0},
                                                    {"extension", 10},
                                                    {"text search dictionary", 21},
                                                    {"server", 21},
                                                    {"text search configuration", 22},
                                                    {"user mapping", 22},
                                                    {"type", 30},
                                                    {"attribute", 40},
                                                    {"sequence", 50},
                                                    {"function", 60},
                                                    {"procedure", 60},
                                                    {"operator", 70},
                                                    {"operator family", 70},
                                                    {"aggregate", 71},
                                                    {"operator class", 72},
                                                    {"cast", 72},
                                                    {"conversion", 72},
                                                    {"transform", 72},
                                                    {"table", kTableRank},
                                                    {"foreign table", kTableRank},
                                                    {"column", 90},
                                                    {"constraint", 100},
                                                    {"view", 110},
                                                    {"materialized view", 110},
                                                    {"index", 120},
                                                    {"replica identity", 131},
                                                    {"rule", 140},
                                                    {"trigger", 140},
                                                    {"policy", 140},
                                                    {"statistics", 140},
                                                    {"event trigger", 150},
                                                    {"dependency", 160}};
  if (object.kind == "constraint" && object.Part("type") == "f") return 130;  // It may depend on a unique index.
  const bool of_view = object.parent.starts_with("view ") || object.parent.starts_with("materialized view ");
  if (object.kind == "column" && of_view) return 115;
  auto found = kRanks.find(object.kind);
  return found == kRanks.end() ? 20 : found->second;
}

std::set<std::string> LabelsOf(const std::vector<SchemaObject>& objects) {
  std::set<std::string> labels;
  for (const SchemaObject& object : objects) labels.insert(object.Label());
  return labels;
}

std::string ByHand(const std::string& what) { return "-- by hand: " + what; }

// True if an object is there on both sides anyway, and only its settings may be its own.
bool HasOnlySettings(const SchemaObject& object) { return object.Part("settings_only") == "true"; }

class Sketch {
 public:
  explicit Sketch(const SketchRequest& request)
      : request_(request), missing_(LabelsOf(request.missing)), surplus_(LabelsOf(request.surplus)) {
    for (const ChangedObject& change : request.changed) {
      if (IsReplaced(change)) replaced_.insert(change.after.Label());
    }
  }

  std::vector<std::string> Write() {
    std::vector<SchemaObject> surplus = Ranked(request_.surplus);
    std::vector<SchemaObject> missing = Ranked(WithParts(WithReplaced(request_.missing, &ChangedObject::after)));
    std::vector<ChangedObject> changed = Ranked(request_.changed);
    std::erase_if(changed, [this](const ChangedObject& change) {
      return IsReplaced(change) || replaced_.contains(change.after.parent);
    });

    for (const ChangedObject& change : changed) Disown(change);
    // Objects are dropped in reverse order of their creation; but those on which tables depend are dropped after the
    // tables no longer need them.
    auto above = std::find_if(surplus.begin(), surplus.end(),
                              [](const SchemaObject& object) { return RankOf(object) >= kTableRank; });
    DropAll(Ranked(WithReplaced({above, surplus.end()}, &ChangedObject::before)));
    for (const ChangedObject& change : changed) FreeIdentity(change);
    auto next = changed.begin();
    for (const SchemaObject& object : missing) {
      for (; next != changed.end() && RankOf(next->after) <= RankOf(object); ++next) Change(*next);
      Create(object);
    }
    for (; next != changed.end(); ++next) Change(*next);
    for (const SchemaObject& object : missing) Own(object);
    for (const ChangedObject& change : changed) {
      if (change.before.Part("owned_by") != change.after.Part("owned_by")) Own(change.after);
    }
    DropAll({surplus.begin(), above});
    if (makes_function_) statements_.insert(statements_.begin(), "SET check_function_bodies = off;");
    return std::move(statements_);
  }

 private:
  static const SchemaObject& ObjectOf(const SchemaObject& object) { return object; }
  static const SchemaObject& ObjectOf(const ChangedObject& change) { return change.after; }

  template <typename T>
  static std::vector<T> Ranked(const std::vector<T>& things) {
    std::vector<T> ranked = things;
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const T& a, const T& b) { return RankOf(ObjectOf(a)) < RankOf(ObjectOf(b)); });
    return ranked;
  }

  void Add(std::string statement) {
    if (!statement.starts_with("--")) {
      statement.erase(statement.find_last_not_of(" \n;") + 1);
      statement += ';';
    }
    statements_.push_back(std::move(statement));
  }

  void AddAll(std::vector<std::string> statements) {
    for (std::string& statement : statements) Add(std::move(statement));
  }

  void DropAll(const std::vector<SchemaObject>& objects) {
    std::for_each(objects.rbegin(), objects.rend(), [this](const SchemaObject& object) { Drop(object); });
  }

  void Drop(const SchemaObject& object) {
    // A part is dropped together with its object; but a table cannot be dropped while another one references it.
    const std::string references = object.Part("references");
    const bool holds_another = references != object.parent && surplus_.contains(references);
    if (surplus_.contains(object.parent) && !holds_another) return;
    if (HasOnlySettings(object)) return AddAll(ResetSettings(object, {}));
    if (object.drop.empty()) return Add(ByHand(fmt::format("drop the {}", object.Label())));
    Add(object.drop);
    if (object.kind == "table" || object.kind == "column") statements_.back() += "  -- with its data";
    if (object.Part("type") == "p") LoosenKey(object);
  }

  // A dropped primary key leaves its columns NOT NULL.
  void LoosenKey(const SchemaObject& key) {
    auto columns = nlohmann::json::parse(key.Part("columns"), nullptr, false);
    for (const SchemaObject& column : request_.target) {
      bool nullable = column.parent == key.parent && column.kind == "column" && column.Part("not_null") == "false";
      if (nullable && std::find(columns.begin(), columns.end(), column.Part("column")) != columns.end()) {
        Add(fmt::format("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", key.Part("table"), column.Part("column")));
      }
    }
  }

  void Create(const SchemaObject& object) {
    if (object.kind == "table" || object.kind == "foreign table") return CreateTable(object);
    if (object.kind == "column" && !HasOnlySettings(object)) {
      if (missing_.contains(object.parent)) return;
      Add(AddColumn(object));
    } else if (object.kind == "attribute" && !CanBeAdded(object)) {
      return Add(ByHand(
          fmt::format("create the {} again: {} is not its last attribute", object.parent, object.Part("attribute"))));
    } else if (!HasOnlySettings(object)) {
      if (object.kind == "function" || object.kind == "procedure") makes_function_ = true;
      Add(object.create.empty() ? ByHand(fmt::format("create the {}", object.Label())) : object.create);
    }
    AddAll(CreatedSettings(object));
  }

  // An attribute can be added at the end only.
  bool CanBeAdded(const SchemaObject& attribute) const {
    auto type = std::find_if(request_.target.begin(), request_.target.end(),
                             [&](const SchemaObject& object) { return object.Label() == attribute.parent; });
    if (type == request_.target.end()) return true;
    auto names = nlohmann::json::parse(type->Part("attributes")).get<std::vector<std::string>>();
    return std::all_of(
        std::find(names.begin(), names.end(), attribute.Part("attribute")), names.end(),
        [&](const std::string& name) { return missing_.contains(fmt::format("attribute {}.{}", type->name, name)); });
  }

  void CreateTable(const SchemaObject& table) {
    std::string columns;
    std::vector<std::string> settings = CreatedSettings(table);
    for (const SchemaObject& object : request_.missing) {
      if (object.kind != "column" || object.parent != table.Label() || HasOnlySettings(object)) continue;
      columns += fmt::format("{}\n    {} {}", columns.empty() ? "" : ",", object.Part("column"), object.Part("inline"));
      for (std::string& statement : CreatedSettings(object)) settings.push_back(std::move(statement));
    }
    if (table.Part("partition") != "true") columns = fmt::format(" ({}{})", columns, columns.empty() ? "" : "\n");
    std::string unlogged = table.Part("unlogged") == "true" ? "UNLOGGED " : "";
    std::string kind = table.kind == "table" ? "TABLE" : "FOREIGN TABLE";
    Add(fmt::format("CREATE {}{} {}{} {} {}", unlogged, kind, table.name, columns, table.Part("tail"),
                    table.Part("options")));
    AddAll(std::move(settings));
  }

  // A sequence would be dropped with the column that owns it.
  void Disown(const ChangedObject& change) {
    const std::string owner = change.before.Part("owned_by");
    if (!owner.empty() && owner != change.after.Part("owned_by")) {
      Add(fmt::format("ALTER SEQUENCE {} OWNED BY NONE", change.after.name));
    }
  }

  void Own(const SchemaObject& object) {
    std::string owner = object.Part("owned_by");
    if (object.kind == "sequence" && !owner.empty()) {
      Add(fmt::format("ALTER SEQUENCE {} OWNED BY {}", object.name, owner));
    }
  }

  // Objects that can only be dropped and created again are both missing and surplus.
  std::vector<SchemaObject> WithReplaced(std::vector<SchemaObject> objects, SchemaObject ChangedObject::*side) const {
    for (const ChangedObject& change : request_.changed) {
      if (IsReplaced(change)) objects.push_back(change.*side);
    }
    return objects;
  }

  // The parts of a view, its indexes, go with the view that is dropped.
  std::vector<SchemaObject> WithParts(std::vector<SchemaObject> objects) const {
    std::set<std::string> known = LabelsOf(objects);
    for (const SchemaObject& part : request_.target) {
      if (replaced_.contains(part.parent) && !known.contains(part.Label())) objects.push_back(part);
    }
    return objects;
  }

  static bool IsReplaced(const ChangedObject& change) {
    const auto& [before, after] = change;
    static const std::set<std::string> kAltered = {"column",   "table",     "foreign table", "type",
                                                   "sequence", "extension", "attribute",     "language"};
    if (kAltered.contains(after.kind) || HasOnlySettings(before) || HasOnlySettings(after)) return false;
    if (after.kind == "view") return !AddsColumns(change);
    if (SameCore(change)) return false;
    // CREATE OR REPLACE keeps everything that depends on a function, if its type stays the same.
    return after.Part("language").empty() || after.Part("result") != before.Part("result") ||
           after.Part("arguments") != before.Part("arguments") || after.Part("kind") != before.Part("kind") ||
           std::stoi(after.Part("defaults")) < std::stoi(before.Part("defaults"));
  }

  // True if a view keeps its columns: CREATE OR REPLACE can only add some at the end.
  static bool AddsColumns(const ChangedObject& change) {
    auto old_columns = nlohmann::json::parse(change.before.Part("columns"), nullptr, false);
    auto new_columns = nlohmann::json::parse(change.after.Part("columns"), nullptr, false);
    return old_columns.size() <= new_columns.size() &&
           std::equal(old_columns.begin(), old_columns.end(), new_columns.begin());
  }

  // True if only settings differ.
  static bool SameCore(const ChangedObject& change) {
    return change.after.parts.contains("core") && change.before.Part("core") == change.after.Part("core");
  }

  // The identity's sequence may have the name of a sequence that is to be created.
  void FreeIdentity(const ChangedObject& change) {
    if (change.after.kind == "column" && !change.before.Part("identity").empty() &&
        change.after.Part("identity").empty()) {
      Add(fmt::format("ALTER TABLE {} ALTER COLUMN {} DROP IDENTITY", change.after.Part("table"),
                      change.after.Part("column")));
    }
  }

  void Change(const ChangedObject& change) {
    const auto& [before, after] = change;
    if (HasOnlySettings(before) != HasOnlySettings(after)) {
      Add(ByHand(fmt::format("create the {} again, as {}", after.Label(), after.definition)));
    } else if (HasOnlySettings(after) || SameCore(change)) {
      ChangeSettings(change);
    } else if (after.kind == "column") {
      AddAll(ChangeColumn(change));
    } else if (after.kind == "table" || after.kind == "foreign table") {
      ChangeTable(change);
    } else if (after.kind == "type") {
      ChangeType(change);
    } else if (after.kind == "sequence") {
      if (before.Part("sequence") != after.Part("sequence")) {
        Add(fmt::format("ALTER SEQUENCE {} {}", after.name, after.Part("sequence")));
      }
      ChangeSettings(change);
    } else if (after.kind == "extension") {
      Add(fmt::format("ALTER EXTENSION {} SET SCHEMA {}", after.name, after.Part("schema")));
    } else if (after.kind == "attribute") {
      Add(fmt::format("ALTER {} ALTER ATTRIBUTE {} TYPE {} CASCADE", after.parent, after.Part("attribute"),
                      after.definition));
    } else {
      Create(after);  // It is CREATE OR REPLACE.
    }
  }

  void ChangeSettings(const ChangedObject& change) {
    AddAll(ResetSettings(change.before, change.after));
    AddAll(SetSettings(change.before, change.after));
  }

  void ChangeTable(const ChangedObject& change) {
    const auto& [before, after] = change;
    if (before.Part("unlogged") != after.Part("unlogged")) {
      Add(fmt::format("ALTER TABLE {} SET {}", after.name, after.Part("unlogged") == "true" ? "UNLOGGED" : "LOGGED"));
    }
    if (before.Part("tail") != after.Part("tail")) {
      Add(ByHand(fmt::format("create the {} again, as \"{}\" and not as \"{}\"", after.Label(), after.Part("tail"),
                             before.Part("tail"))));
    }
    ChangeSettings(change);
  }

  void ChangeType(const ChangedObject& change) {
    const auto& [before, after] = change;
    if (after.parts.contains("labels") && before.parts.contains("labels")) return ChangeEnum(change);
    if (!after.parts.contains("base") || before.Part("base") != after.Part("base")) {
      return Add(ByHand(fmt::format("create the {} again, as {}", after.Label(), after.definition)));
    }
    if (before.Part("default") != after.Part("default")) {
      Add(fmt::format("ALTER DOMAIN {} {}", after.name,
                      after.Part("default").empty() ? "DROP DEFAULT" : "SET DEFAULT " + after.Part("default")));
    }
    if (before.Part("not_null") != after.Part("not_null")) {
      Add(fmt::format("ALTER DOMAIN {} {} NOT NULL", after.name, after.Part("not_null") == "true" ? "SET" : "DROP"));
    }
  }

  // Values can be added, but neither removed nor moved.
  void ChangeEnum(const ChangedObject& change) {
    auto old_labels = nlohmann::json::parse(change.before.Part("labels")).get<std::vector<std::string>>();
    auto new_labels = nlohmann::json::parse(change.after.Part("labels")).get<std::vector<std::string>>();
    std::vector<std::string> kept;
    for (const std::string& label : new_labels) {
      if (std::find(old_labels.begin(), old_labels.end(), label) != old_labels.end()) kept.push_back(label);
    }
    if (kept != old_labels) {
      return Add(ByHand(fmt::format("create the {} again, as {}: values cannot be removed or moved",
                                    change.after.Label(), change.after.definition)));
    }
    for (size_t i = 0; i < new_labels.size(); ++i) {
      if (std::find(old_labels.begin(), old_labels.end(), new_labels[i]) != old_labels.end()) continue;
      std::string place = i > 0                ? " AFTER " + formats::DumpLiteral(new_labels[i - 1], true)
                          : old_labels.empty() ? std::string()
                                               : " BEFORE " + formats::DumpLiteral(old_labels[0], true);
      Add(fmt::format("ALTER TYPE {} ADD VALUE {}{}", change.after.name, formats::DumpLiteral(new_labels[i], true),
                      place));
    }
  }

  const SketchRequest& request_;
  const std::set<std::string> missing_;
  const std::set<std::string> surplus_;
  std::set<std::string> replaced_;
  std::vector<std::string> statements_;
  bool makes_function_ = false;
};

}  // namespace

std::vector<std::string> SketchChange(const SketchRequest& request) { return Sketch(request).Write(); }

}  // namespace rotv::drift
