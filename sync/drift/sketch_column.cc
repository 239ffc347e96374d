#include "sync/drift/sketch_column.h"

#include <fmt/format.h>

#include <utility>

#include "sync/drift/sketch_settings.h"

namespace rotv::drift {
namespace {

class ColumnChange {
 public:
  explicit ColumnChange(const ChangedObject& change) : before_(change.before), after_(change.after) {}

  std::vector<std::string> Write() {
    if (Differs("generated")) {
      // It cannot be changed in place before PostgreSQL 17.
      statements_ = {before_.drop, AddColumn(after_)};
      AddAll(CreatedSettings(after_));
      return std::move(statements_);
    }
    AddAll(ResetSettings(Kept(before_), after_));
    // Objects that depend on the type or on NOT NULL are dropped before, and created after them.
    const bool new_type = Differs("type") || Differs("collation");
    const bool new_default = Differs("default") || (new_type && !after_.Part("default").empty());
    if (new_default && !before_.Part("default").empty()) Alter("DROP DEFAULT");
    if (new_type) ChangeType();
    ChangeNotNull();
    if (new_default && !after_.Part("default").empty()) Alter("SET DEFAULT " + after_.Part("default"));
    if (Differs("identity")) ChangeIdentity();
    AddAll(SetSettings(Reached(new_type), after_));
    return std::move(statements_);
  }

 private:
  void AddAll(std::vector<std::string> statements) {
    for (std::string& statement : statements) statements_.push_back(std::move(statement));
  }

  // An identity that is gone has taken its options with it.
  SchemaObject Kept(SchemaObject column) const {
    if (after_.Part("identity").empty()) column.settings.erase("identity");
    return column;
  }

  // The column as the statements so far have left it: a new type comes with its own storage, a new identity with its
  // options.
  SchemaObject Reached(bool new_type) const {
    SchemaObject column = before_;
    if (new_type) {
      column.settings.erase("storage");
      column.settings.erase("compression");
    }
    auto identity = after_.settings.find("identity");
    if (before_.Part("identity").empty() && identity != after_.settings.end()) column.settings.insert(*identity);
    return column;
  }

  bool Differs(const char* part) const { return before_.Part(part) != after_.Part(part); }

  void Alter(const std::string& what) {
    statements_.push_back(
        fmt::format("ALTER TABLE {} ALTER COLUMN {} {}", after_.Part("table"), after_.Part("column"), what));
  }

  void ChangeType() {
    std::string type = after_.Part("type"), collation = after_.Part("collation");
    Alter(fmt::format("TYPE {}{} USING {}::{}", type, collation.empty() ? "" : " COLLATE " + collation,
                      after_.Part("column"), type));
  }

  void ChangeNotNull() {
    // A primary key's own NOT NULL comes and goes with the key.
    std::string before = before_.Part("not_null"), after = after_.Part("not_null");
    if (before == "false" && after == "true") Alter("SET NOT NULL");
    if (before == "true" && after == "false") Alter("DROP NOT NULL");
  }

  void ChangeIdentity() {
    std::string identity = after_.Part("identity");
    if (identity.empty()) return;  // It has already been dropped.
    if (before_.Part("identity").empty()) {
      Alter(fmt::format("ADD GENERATED {} AS IDENTITY {}", identity, after_.Part("identity_options")));
    } else {
      Alter(fmt::format("SET GENERATED {}", identity));
    }
  }

  const SchemaObject& before_;
  const SchemaObject& after_;
  std::vector<std::string> statements_;
};

}  // namespace

std::string AddColumn(const SchemaObject& column) {
  return fmt::format("ALTER TABLE {} ADD COLUMN {} {}", column.parts.at("table"), column.parts.at("column"),
                     column.parts.at("inline"));
}

std::vector<std::string> ChangeColumn(const ChangedObject& change) { return ColumnChange(change).Write(); }

}  // namespace rotv::drift
