#include "sync/mask/suggest.h"

#include <fmt/format.h>

#include <map>

#include "storage/error.h"
#include "storage/workspace.h"
#include "sync/follow.h"
#include "sync/mask/mask_facts.h"
#include "sync/mask/personal.h"
#include "sync/mask/stored_mask.h"
#include "sync/open_workspace.h"
#include "sync/source_session.h"

namespace rotv {
namespace {

bool IsDocument(const MaskColumn& column) { return column.type == "json" || column.type == "jsonb"; }
bool CanBeSampled(const MaskColumn& column) {
  return column.type == "text" || column.type == "varchar" || column.type == "bpchar" || column.type == "citext" ||
         IsDocument(column);
}

// A part of a key of [mask].
std::string Part(const std::string& name) {
  if (name.find_first_of(".\"") == std::string::npos) return name;
  std::string quoted = "\"";
  for (char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

class Suggester {
 public:
  explicit Suggester(SourceSession& session) : session_(session), connection_(session.connection()) {}

  std::vector<MaskSuggestion> Run() {
    const Catalog catalog = ReadCatalog(connection_);
    facts_ = ReadMaskFacts(connection_);
    Progress& progress = session_.context().progress;
    progress.Begin("looking at samples", Progress::Unit::kItems, catalog.tables.size());
    uint64_t looked_at = 0;
    for (const CatalogTable& table : catalog.tables) {
      session_.context().interrupt.Check();
      Look(table);
      progress.Update(++looked_at);
    }
    progress.End();
    AddReferences();
    std::vector<MaskSuggestion> suggestions;
    for (const ColumnId& id : order_) suggestions.push_back(SuggestionFor(id));
    return suggestions;
  }

 private:
  using ColumnId = std::pair<uint32_t, int>;

  void Look(const CatalogTable& table) {
    const auto facts = facts_.tables.find(table.oid);
    if (table.kind != 'r' || !table.readable || facts == facts_.tables.end()) return;
    const FollowDecision decision = Decide(table, session_.context().source);
    if (decision.follow == proto::FOLLOW_SCHEMA_ONLY) return;
    std::vector<const CatalogColumn*> sampled;
    for (const CatalogColumn& column : table.columns) {
      const auto fact = facts->second.columns.find(column.number);
      if (fact == facts->second.columns.end() || fact->second.generated) continue;
      const ColumnId id{table.oid, column.number};
      // Named after the root, so that one rule is for all partitions.
      const auto& [schema, name] = facts->second.names.back();
      patterns_[id] = fmt::format("{}.{}.{}", Part(schema), Part(name), Part(column.name));
      columns_[id] = fact->second;
      Note(id, SuspectByName(fact->second));
      if (CanBeSampled(fact->second)) sampled.push_back(&column);
    }
    if (!sampled.empty()) LookAtValues(table, sampled);
  }

  void LookAtValues(const CatalogTable& table, const std::vector<const CatalogColumn*>& columns) {
    // concat() calls a type's output; a cast might be the type's owner's own function, with our rights.
    std::string list;
    for (const CatalogColumn* column : columns) {
      list += fmt::format("{0}CASE num_nulls({1}) WHEN 0 THEN left(concat({1}), 1000) END", list.empty() ? "" : ", ",
                          column->quoted_name);
    }
    const PgResult rows =
        connection_.Query(fmt::format("SELECT {} FROM ONLY {} LIMIT {}", list, table.quoted_name, kSampledRows));
    for (size_t i = 0; i < columns.size(); ++i) {
      std::vector<std::string> values;
      for (int row = 0; row < rows.rows(); ++row) {
        if (!rows.IsNull(row, static_cast<int>(i))) values.push_back(rows.Get(row, static_cast<int>(i)));
      }
      const ColumnId id{table.oid, columns[i]->number};
      if (IsDocument(columns_.at(id))) {
        LookAtDocuments(id, values);
      } else {
        Note(id, SuspectByValues(values));
      }
    }
  }

  // Which member it is only a person sees.
  void LookAtDocuments(const ColumnId& id, const std::vector<std::string>& documents) {
    size_t with = 0;
    for (const std::string& document : documents) with += document.find('@') != std::string::npos;
    if (with > 0) Note(id, {"json", fmt::format("{} of {} documents have an @", with, documents.size())});
  }

  void Note(const ColumnId& id, const Suspicion& suspicion) {
    if (suspicion.rule.empty()) return;
    Suspicion& known = suspicions_[id];
    if (known.rule.empty()) {
      known = suspicion;
      order_.push_back(id);
    } else {
      known.reason += "; " + suspicion.reason;
    }
  }

  // To both sides, until nothing is added.
  void AddReferences() {
    for (bool added = true; added;) {
      added = false;
      for (const MaskFacts::Reference& reference : facts_.references) {
        const ColumnId from{reference.table, reference.column},
            to{reference.referenced_table, reference.referenced_column};
        for (const auto& [known, other] : {std::pair{from, to}, {to, from}}) {
          if (suspicions_.count(known) == 0 || suspicions_.count(other) != 0 || patterns_.count(other) == 0) continue;
          Note(other, {suspicions_[known].rule, "a foreign key with " + patterns_[known]});
          added = true;
        }
      }
    }
  }

  MaskSuggestion SuggestionFor(const ColumnId& id) const {
    const Suspicion& suspicion = suspicions_.at(id);
    const MaskColumn& column = columns_.at(id);
    for (const std::string& name : {suspicion.rule, std::string("text")}) {
      MaskRule rule{.kind = *MaskKindOf(name), .name = name, .pattern = patterns_.at(id), .parts = {}, .by = 2};
      if (rule.kind == MaskKind::kJson) break;
      try {
        (void)MakeMasker(rule, column, MaskSecret());
        return {rule.pattern, Written(name), suspicion.reason};
      } catch (const Error&) {
        // Not so: too short, or another type.
      }
    }
    return {patterns_.at(id), "", suspicion.reason};
  }

  static std::string Written(const std::string& name) {
    if (name == "password") return "{ rule = \"password\", value = \"the hash of a password for everybody\" }";
    if (name == "date") return "{ rule = \"date\", days = 365 }";
    if (name == "number") return "{ rule = \"number\", by = 1000 }";
    return "\"" + name + "\"";
  }

  SourceSession& session_;
  PgConnection& connection_;
  MaskFacts facts_;
  std::map<ColumnId, std::string> patterns_;
  std::map<ColumnId, MaskColumn> columns_;
  std::map<ColumnId, Suspicion> suspicions_;
  std::vector<ColumnId> order_;
};

}  // namespace

std::vector<MaskSuggestion> SuggestMasks(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "mask suggest");
  SourceSession session(context, workspace.RunDirectory());
  std::vector<MaskSuggestion> suggestions = Suggester(session).Run();
  // Partitions say the same.
  std::map<std::string, MaskSuggestion> unique;
  for (MaskSuggestion& suggestion : suggestions) unique.try_emplace(suggestion.pattern, std::move(suggestion));
  suggestions.clear();
  for (auto& [pattern, suggestion] : unique) suggestions.push_back(std::move(suggestion));
  return suggestions;
}

}  // namespace rotv
