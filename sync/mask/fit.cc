#include "sync/mask/fit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "storage/error.h"
#include "sync/mask/probe_rows.h"
#include "sync/mask/secret.h"
#include "sync/mask/source_checks.h"
#include "sync/postgres/sqlstate.h"

namespace rotv::mask {
namespace {

constexpr size_t kMostNamed = 5;

// A condition that a masked row must satisfy.
struct Demand {
  std::string name;       // Names the demand if it is not checked: "public.t: t_check".
  std::string against;    // Follows "a value masked by the rule": "does not meet the constraint t_check".
  std::set<int> columns;  // Columns that `condition` reads.
  std::string condition;  // An expression over their names; for a domain, over "value".
  int value_of = 0;       // For a domain: the column that "value" is taken from.
  bool built_in = true;
  bool of_constant = false;  // The demand is that a constant is a value of its column's type.
};

class TableProbe {
 public:
  TableProbe(postgres::PgConnection& connection, const MaskSecret& secret, const SourceChecks& checks,
             const postgres::CatalogTable& table)
      : connection_(connection), checks_(checks), table_(table), rows_(connection, secret, table_) {
    for (const auto& [number, column] : table_.columns) {
      const CheckedColumn* checked = Checked(number);
      if (checked == nullptr || checked->generated == '\0') continue;
      const std::vector<int>& from = checked->generation.columns;
      if (std::any_of(from.begin(), from.end(), [&](int source) { return table_.masked.count(source) != 0; })) {
        generated_.insert(number);
      }
    }
  }

  void Run(std::set<std::string>* problems, std::set<std::string>* unchecked) {
    for (const Demand& demand : Demands()) {
      const std::optional<std::string> problem = Check(demand);
      if (!problem) {
        unchecked->insert(demand.name);
      } else if (!problem->empty()) {
        problems->insert(*problem);
      }
    }
  }

 private:
  const CheckedColumn* Checked(int number) const {
    const auto found = checks_.columns.find({table_.table.oid, number});
    return found == checks_.columns.end() ? nullptr : &found->second;
  }
  // Is true for every value. It makes the server compute the value: without a use it would not.
  std::string TakesPart(int number) const {
    return fmt::format("pg_catalog.num_nulls({}) >= 0", table_.columns.at(number)->quoted_name);
  }
  bool IsTouched(int number) const {
    return number == 0 || table_.masked.count(number) != 0 || generated_.count(number) != 0;
  }
  bool IsTouched(const std::vector<int>& numbers) const {
    return std::any_of(numbers.begin(), numbers.end(), [&](int number) { return IsTouched(number); });
  }

  std::vector<Demand> Demands() const {
    std::vector<Demand> demands;
    for (const auto& [number, masked] : table_.masked) {
      if (!IsConstant(*masked)) continue;
      const std::string type = "value of type " + masked->type();
      demands.push_back({.name = table_.NameOf(number) + ": " + type,
                         .against = "is not a " + type,
                         .columns = {number},
                         .condition = TakesPart(number),
                         .of_constant = true});
    }
    for (int number : generated_) AddGeneration(number, &demands);
    for (const auto& [number, column] : table_.columns) {
      if (IsTouched(number)) AddDomains(number, &demands);
    }
    AddOfTable(checks_.of_tables, "", "does not meet the constraint ", &demands);
    AddOfTable(checks_.of_indexes, "index ", "cannot be in the index ", &demands);
    return demands;
  }

  void AddOfTable(const std::map<uint32_t, std::vector<SourceCheck>>& checks, const std::string& what,
                  const std::string& against, std::vector<Demand>* demands) const {
    const auto of_table = checks.find(table_.table.oid);
    if (of_table == checks.end()) return;
    for (const SourceCheck& check : of_table->second) {
      const std::vector<int>& read = check.condition.columns;
      if (!IsTouched(read)) continue;
      demands->push_back({.name = fmt::format("{}: {}{}", table_.table.quoted_name, what, check.name),
                          .against = against + check.name,
                          .columns = {read.begin(), read.end()},
                          .condition = check.condition.text,
                          .built_in = check.condition.built_in});
    }
  }

  // A virtual column is computed when it is read, so only a constraint on it can reject a row.
  void AddGeneration(int number, std::vector<Demand>* demands) const {
    const CheckedColumn& checked = *Checked(number);
    const std::string name = table_.NameOf(number);
    const std::string& quoted = table_.columns.at(number)->quoted_name;
    if (checked.generated == 's') {
      demands->push_back({.name = name + ": its generation",
                          .against = fmt::format("cannot be used to generate {}", name),
                          .columns = {number},
                          .condition = TakesPart(number)});
    }
    if (checked.not_null) {
      demands->push_back({.name = name + ": NOT NULL",
                          .against = fmt::format("leaves {} NULL, which is generated from it and NOT NULL", name),
                          .columns = {number},
                          .condition = fmt::format("pg_catalog.num_nulls({}) = 0", quoted)});
    }
  }

  void AddDomains(int number, std::vector<Demand>* demands) const {
    const CheckedColumn* checked = Checked(number);
    if (checked == nullptr) return;
    for (uint32_t domain : checked->domains) {
      const auto of_domain = checks_.of_domains.find(domain);
      if (of_domain == checks_.of_domains.end()) continue;
      for (const SourceCheck& check : of_domain->second) {
        demands->push_back({.name = fmt::format("{}: domain {}", table_.NameOf(number), check.name),
                            .against = "is not a value of the domain " + check.name,
                            .columns = {number},
                            .condition = check.condition.text,
                            .value_of = number,
                            .built_in = check.condition.built_in});
      }
    }
  }

  // Returns an empty text if the demand is met, the problem if not, and nothing if the source cannot be asked.
  std::optional<std::string> Check(const Demand& demand) {
    if (const std::optional<bool> has = HasEnumLabel(demand)) return *has ? "" : What(demand.columns, demand);
    std::set<int> base;  // The stored columns that these depend on.
    if (!demand.built_in || !AddBase(demand.columns, &base)) return std::nullopt;
    const std::optional<std::string>& made = rows_.Of(base);
    if (!made) return std::nullopt;
    if (made->empty()) return "";
    const postgres::PgOutcome outcome =
        connection_.TryQuery(fmt::format("BEGIN READ ONLY; SET LOCAL statement_timeout = {}; {}; "
                                         "COMMIT",
                                         kProbeTimeoutMs, Question(demand, base, *made)));
    if (!outcome.failure) return outcome.results.at(2).Bool(0, 0) ? "" : What(base, demand);
    (void)connection_.TryQuery("ROLLBACK");
    // The server's message would show a value.
    const std::string& state = outcome.failure->sqlstate;
    if (state.starts_with(postgres::sqlstate::kConstraintViolations) ||
        state.starts_with(postgres::sqlstate::kDataExceptions)) {
      return What(base, demand);
    }
    return std::nullopt;  // The time is up, or only the table itself can evaluate the expression.
  }

  // Answers for a constant for an enum, whose labels are in the catalogue. Returns nothing for every other demand.
  std::optional<bool> HasEnumLabel(const Demand& demand) const {
    const int number = *demand.columns.begin();
    const CheckedColumn* checked = Checked(number);
    if (!demand.of_constant || checked == nullptr || checked->enum_type == 0) return std::nullopt;
    return connection_
        .Query(fmt::format("SELECT EXISTS (SELECT FROM pg_catalog.pg_enum WHERE enumtypid = {} AND enumlabel = {})",
                           checked->enum_type, connection_.QuoteLiteral(rows_.Constant(number))))
        .Bool(0, 0);
  }

  // Adds the stored columns that `columns` are computed from, since generated columns are computed again. Returns false
  // if something in them is not built in.
  bool AddBase(const std::set<int>& columns, std::set<int>* base) const {
    for (int number : columns) {
      const CheckedColumn* checked = Checked(number);
      if (checked == nullptr || table_.columns.count(number) == 0 || !checked->built_in) return false;
      if (checked->generated == '\0') {
        base->insert(number);
        continue;
      }
      const std::vector<int>& from = checked->generation.columns;
      if (!checked->generation.built_in || !AddBase({from.begin(), from.end()}, base)) return false;
    }
    return true;
  }

  // Builds the query. It contains no name of a user's object, so that no such object can be replaced between the answer
  // from the catalogue and this query.
  std::string Question(const Demand& demand, const std::set<int>& base, const std::string& made) const {
    auto alias = [&](int number) {
      return number == demand.value_of ? std::string("value") : table_.columns.at(number)->quoted_name;
    };
    std::string typed, names, generated;
    for (const int number : base) {
      const std::string name = fmt::format("v{}", number);
      const char* comma = names.empty() ? "" : ", ";
      typed += fmt::format("{}{} AS {}", comma, Stored(name, *Checked(number)), alias(number));
      names += comma + name;
    }
    for (int number : demand.columns) {
      if (Checked(number)->generated == '\0') continue;
      generated += fmt::format(", {} AS {}", Stored(Checked(number)->generation.text, *Checked(number)), alias(number));
    }
    return fmt::format(
        "SELECT coalesce(pg_catalog.bool_and({}), true) FROM (SELECT masked.*{} FROM (SELECT {} FROM (VALUES {}) AS "
        "made ({})) AS masked OFFSET 0) AS generated",
        demand.condition, generated, typed, made, names);
  }

  // The value as it is stored: a value that is too long is refused, where a cast would truncate it.
  static std::string Stored(const std::string& value, const CheckedColumn& column) {
    if (column.length_function.empty() || column.modifier < 0) return fmt::format("({})::{}", value, column.type);
    return fmt::format("pg_catalog.\"{0}\"(({1})::pg_catalog.\"{0}\", {2}, false)", column.length_function, value,
                       column.modifier);
  }

  std::string What(const std::set<int>& columns, const Demand& demand) const {
    std::vector<std::string> names, rules;
    for (int number : columns) {
      if (table_.masked.count(number) == 0) continue;
      names.push_back(table_.NameOf(number));
      rules.push_back(table_.masked.at(number)->rule().name());
    }
    if (names.size() == 1) return fmt::format("{}: a value masked by \"{}\" {}", names[0], rules[0], demand.against);
    for (size_t i = 0; i < names.size(); ++i) names[i] += fmt::format(" ({})", rules[i]);
    return fmt::format("{}: a row masked by these rules {}", fmt::join(names, " and "), demand.against);
  }

  postgres::PgConnection& connection_;
  const SourceChecks& checks_;
  const MaskedTable table_;
  ProbeRows rows_;
  std::set<int> generated_;  // Columns that are generated from masked ones.
};

}  // namespace

std::vector<std::string> RequireFit(postgres::PgConnection& connection, const Context& context,
                                    const postgres::Catalog& catalog, const proto::SchemaVersion& known) {
  std::map<uint32_t, std::string> known_masks;
  for (const proto::Table& table : known.tables()) known_masks[table.id()] = table.mask().SerializeAsString();
  std::vector<std::pair<const postgres::CatalogTable*, bool>> tables;  // With: its unchecked constraints are known.
  std::vector<uint32_t> oids;
  for (const postgres::CatalogTable& table : catalog.tables) {
    if (table.mask.columns_size() == 0 || table.kind != 'r') continue;
    const auto before = known_masks.find(table.oid);
    tables.emplace_back(&table, before != known_masks.end() && before->second == table.mask.SerializeAsString());
    oids.push_back(table.oid);
  }
  if (tables.empty()) return {};

  const SourceChecks checks = ReadSourceChecks(connection, oids);
  const MaskSecret secret = MaskSecretOf(context);
  std::set<std::string> problems, unchecked;
  for (const auto& [table, is_known] : tables) {
    std::set<std::string> names;
    TableProbe(connection, secret, checks, *table).Run(&problems, &names);
    if (!is_known) unchecked.merge(names);
  }
  if (!problems.empty()) {
    throw Error(
        ErrorCode::kUsage, fmt::format("masking: {}", fmt::join(problems, "; ")),
        "choose another rule for the column: \"text\" keeps the shape, \"constant\" writes the value that you give");
  }
  return {unchecked.begin(), unchecked.end()};
}

std::string UncheckedText(const std::vector<std::string>& unchecked) {
  if (unchecked.empty()) return "";
  const size_t named = std::min(unchecked.size(), kMostNamed);
  std::string text =
      fmt::format("{} on masked values {} not checked: {}",
                  unchecked.size() == 1 ? "1 constraint" : fmt::format("{} constraints", unchecked.size()),
                  unchecked.size() == 1 ? "is" : "are",
                  fmt::join(unchecked.begin(), unchecked.begin() + static_cast<ptrdiff_t>(named), ", "));
  if (named < unchecked.size()) text += fmt::format(" and {} more", unchecked.size() - named);
  return text + " (they call functions or use types that are not PostgreSQL's own, and would run with our rights)";
}

}  // namespace rotv::mask
