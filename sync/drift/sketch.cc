#include "sync/drift/sketch.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "sync/drift/sketch_column.h"
#include "sync/formats/dump_text.h"

namespace rotv::drift {
namespace {

constexpr int kTableRank = 8;

// Orders kinds by their dependencies: each mostly needs only those before it.
int RankOf(const SchemaObject& object) {
  static const std::map<std::string, int> kRanks = {{"schema", 0},         {"extension", 1},
                                                    {"type", 3},           {"attribute", 4},
                                                    {"sequence", 5},       {"function", 6},
                                                    {"procedure", 6},      {"aggregate", 7},
                                                    {"table", kTableRank}, {"foreign table", kTableRank},
                                                    {"column", 9},         {"constraint", 10},
                                                    {"view", 11},          {"index", 12},
                                                    {"rule", 14},          {"materialized view", 11},
                                                    {"trigger", 14},       {"policy", 14},
                                                    {"statistics", 14},    {"event trigger", 15}};
  if (object.kind == "constraint" && object.Part("type") == "f") return 13;  // It may depend on a unique index.
  auto found = kRanks.find(object.kind);
  return found == kRanks.end() ? 2 : found->second;
}

std::set<std::string> LabelsOf(const std::vector<SchemaObject>& objects) {
  std::set<std::string> labels;
  for (const SchemaObject& object : objects) labels.insert(object.Label());
  return labels;
}

std::string ByHand(const std::string& what) { return "-- by hand: " + what; }

class Sketch {
 public:
  explicit Sketch(const SketchRequest& request)
      : request_(request), missing_(LabelsOf(request.missing)), surplus_(LabelsOf(request.surplus)) {}

  std::vector<std::string> Write() {
    std::vector<SchemaObject> surplus = Ranked(request_.surplus);
    std::vector<SchemaObject> missing = Ranked(WithReplaced(request_.missing, &ChangedObject::after));
    std::vector<ChangedObject> changed = Ranked(request_.changed);
    std::erase_if(changed, [](const ChangedObject& change) { return IsReplaced(change); });

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

  void DropAll(const std::vector<SchemaObject>& objects) {
    std::for_each(objects.rbegin(), objects.rend(), [this](const SchemaObject& object) { Drop(object); });
  }

  void Drop(const SchemaObject& object) {
    // A part is dropped together with its object; but a table cannot be dropped while another one references it.
    const std::string references = object.Part("references");
    const bool holds_another = references != object.parent && surplus_.contains(references);
    if (surplus_.contains(object.parent) && !holds_another) return;
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
    if (object.kind == "column") {
      if (!missing_.contains(object.parent)) Add(AddColumn(object));
      return;
    }
    if (object.kind == "function" || object.kind == "procedure") makes_function_ = true;
    Add(object.create.empty() ? ByHand(fmt::format("create the {}", object.Label())) : object.create);
  }

  void CreateTable(const SchemaObject& table) {
    std::string columns;
    for (const SchemaObject& object : request_.missing) {
      if (object.kind != "column" || object.parent != table.Label()) continue;
      columns += fmt::format("{}\n    {} {}", columns.empty() ? "" : ",", object.Part("column"), object.definition);
    }
    if (table.Part("partition") != "true") columns = fmt::format(" ({}{})", columns, columns.empty() ? "" : "\n");
    std::string unlogged = table.Part("unlogged") == "true" ? "UNLOGGED " : "";
    std::string kind = table.kind == "table" ? "TABLE" : "FOREIGN TABLE";
    Add(fmt::format("CREATE {}{} {}{} {} {}", unlogged, kind, table.name, columns, table.Part("tail"),
                    table.Part("options")));
    ChangeRowSecurity(table, {});
  }

  void ChangeRowSecurity(const SchemaObject& table, const SchemaObject& before) {
    if (table.Part("row_security") == "true" && before.Part("row_security") != "true") {
      Add(fmt::format("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", table.name));
    } else if (table.Part("row_security") != "true" && before.Part("row_security") == "true") {
      Add(fmt::format("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", table.name));
    }
    if (table.Part("force_row_security") == "true" && before.Part("force_row_security") != "true") {
      Add(fmt::format("ALTER TABLE {} FORCE ROW LEVEL SECURITY", table.name));
    } else if (table.Part("force_row_security") != "true" && before.Part("force_row_security") == "true") {
      Add(fmt::format("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", table.name));
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

  static bool IsReplaced(const ChangedObject& change) {
    static const std::set<std::string> kAltered = {"column",   "table",     "foreign table", "type",
                                                   "sequence", "extension", "attribute",     "view"};
    if (kAltered.contains(change.after.kind)) return false;
    // CREATE OR REPLACE keeps everything that depends on a function, if its type stays the same.
    return change.after.Part("language").empty() || change.after.Part("result") != change.before.Part("result") ||
           change.after.Part("arguments") != change.before.Part("arguments");
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
    const SchemaObject& after = change.after;
    if (after.kind == "column") {
      for (std::string& statement : ChangeColumn(change)) Add(std::move(statement));
    } else if (after.kind == "table" || after.kind == "foreign table") {
      ChangeTable(change);
    } else if (after.kind == "type") {
      ChangeType(change);
    } else if (after.kind == "sequence") {
      Add(fmt::format("ALTER SEQUENCE {} {}", after.name, after.definition));
    } else if (after.kind == "extension") {
      Add(fmt::format("ALTER EXTENSION {} SET SCHEMA {}", after.name, after.Part("schema")));
    } else if (after.kind == "attribute") {
      Add(fmt::format("ALTER {} ALTER ATTRIBUTE {} TYPE {} CASCADE", after.parent, LastName(after), after.definition));
    } else {
      Create(after);  // It is CREATE OR REPLACE.
    }
  }

  static std::string LastName(const SchemaObject& attribute) {
    return attribute.name.substr(attribute.parent.size() - std::string_view("type ").size() + 1);
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
    if (before.Part("options") != after.Part("options")) {
      std::string options = after.Part("options");
      Add(options.empty() ? fmt::format("ALTER TABLE {} RESET {}", after.name, NamesOnly(before.Part("options")))
                          : fmt::format("ALTER TABLE {} SET {}", after.name, options.substr(options.find('('))));
    }
    ChangeRowSecurity(after, before);
  }

  // Turns "WITH (a=1, b=2)" into "(a, b)".
  static std::string NamesOnly(const std::string& options) {
    std::string names;
    bool name = true;
    for (char c : options.substr(options.find('('))) {
      if (c == '=') name = false;
      if (c == ',' || c == ')') name = true;
      if (name) names += c;
    }
    return names;
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
  std::vector<std::string> statements_;
  bool makes_function_ = false;
};

}  // namespace

std::vector<std::string> SketchChange(const SketchRequest& request) { return Sketch(request).Write(); }

}  // namespace rotv::drift
