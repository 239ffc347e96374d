#include "sync/mask/fit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>
#include <vector>

#include "storage/error.h"
#include "sync/mask/secret.h"
#include "sync/mask/stored_mask.h"

namespace rotv {
namespace {

constexpr int kProbes = 20;

struct Constraint {
  uint32_t table = 0;
  std::vector<int> columns;
  std::string name;        // Of a domain: its own, quoted.
  std::string expression;  // Over the columns' names; empty for a domain, to which a cast is enough.
};

// Domains over domains have their checks, too. A check that names no column is nobody's affair here.
constexpr const char* kSql = R"sql(
SELECT conrelid, pg_catalog.array_to_string(conkey, ' '), conname, pg_catalog.pg_get_expr(conbin, conrelid)
FROM pg_catalog.pg_constraint
WHERE contype = 'c' AND conrelid <> 0 AND pg_catalog.cardinality(conkey) > 0
UNION ALL
SELECT a.attrelid, a.attnum::text, pg_catalog.format_type(a.atttypid, NULL), NULL
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typtype = 'd'
WHERE a.attnum > 0 AND NOT a.attisdropped
)sql";

std::vector<Constraint> ReadConstraints(PgConnection& connection) {
  std::vector<Constraint> constraints;
  const PgResult rows = connection.Query(kSql);
  for (int row = 0; row < rows.rows(); ++row) {
    Constraint constraint{.table = rows.Oid(row, 0),
                          .columns = {},
                          .name = rows.Get(row, 2),
                          .expression = rows.IsNull(row, 3) ? "" : rows.Get(row, 3)};
    std::istringstream numbers(rows.Get(row, 1));
    for (int number = 0; numbers >> number;) constraint.columns.push_back(number);
    constraints.push_back(std::move(constraint));
  }
  return constraints;
}

// The same for every value, also for those that come later; and whatever the config says.
bool IsConstant(const proto::MaskedColumn& masked) {
  return masked.rule().name() == "constant" || masked.rule().name() == "password";
}

// A column that a constraint is about, with what masks it where anything does.
struct ProbedColumn {
  const CatalogColumn* column = nullptr;
  const proto::MaskedColumn* masked = nullptr;
  std::unique_ptr<const Masker> masker;
};

class Probe {
 public:
  Probe(PgConnection& connection, const Context& context) : connection_(connection), secret_(MaskSecretOf(context)) {}

  // Empty if it is met, or about nothing that is masked.
  std::string Check(const CatalogTable& table, const Constraint& constraint) {
    const std::vector<ProbedColumn> columns = ColumnsOf(table, constraint);
    const std::string made = MadeRows(table, columns);
    if (made.empty()) return "";
    const PgOutcome outcome = connection_.TryQuery(Question(table, constraint, columns, made));
    const std::string what = What(table, columns);
    if (!outcome.failure) {
      return outcome.results.front().Bool(0, 0)
                 ? ""
                 : fmt::format("{} does not meet the constraint {}", what, constraint.name);
    }
    // The server's words would show a value.
    if (outcome.failure->sqlstate.starts_with("23") || outcome.failure->sqlstate.starts_with("22")) {
      return fmt::format("{} is no {}", what, constraint.name);
    }
    return "";  // An expression that only the table itself can have evaluated.
  }

 private:
  // None if none of them is masked.
  std::vector<ProbedColumn> ColumnsOf(const CatalogTable& table, const Constraint& constraint) const {
    std::vector<ProbedColumn> columns;
    bool any = false;
    for (const CatalogColumn& column : table.columns) {
      if (std::count(constraint.columns.begin(), constraint.columns.end(), column.number) == 0) continue;
      ProbedColumn& probed = columns.emplace_back();
      probed.column = &column;
      for (const proto::MaskedColumn& masked : table.mask.columns()) {
        if (static_cast<int>(masked.number()) != column.number) continue;
        probed.masked = &masked;
        probed.masker = MakeMasker(masked, table.quoted_name + "." + column.quoted_name, secret_);
        any = true;
      }
    }
    // A column of it that is not here (a generated one) cannot be put to it.
    if (!any || columns.size() != constraint.columns.size()) columns.clear();
    return columns;
  }

  // "('a', NULL), ('b', '1')", of a few of the source's rows; empty if there is nothing to mask.
  std::string MadeRows(const CatalogTable& table, const std::vector<ProbedColumn>& columns) {
    std::string list, wanted;
    for (const ProbedColumn& probed : columns) {
      list += fmt::format("{}{}::text", list.empty() ? "" : ", ", probed.column->quoted_name);
      if (probed.masked == nullptr) continue;
      wanted += fmt::format("{}{} IS NOT NULL", wanted.empty() ? "" : " OR ", probed.column->quoted_name);
    }
    if (columns.empty()) return "";
    const PgResult rows = connection_.Query(
        fmt::format("SELECT {} FROM ONLY {} WHERE {} LIMIT {}", list, table.quoted_name, wanted, kProbes));
    std::string made;
    for (int row = 0; row < rows.rows(); ++row) {
      std::string fields;
      for (size_t i = 0; i < columns.size(); ++i) {
        fields += (i == 0 ? "" : ", ") + MadeValue(columns[i], rows, row, static_cast<int>(i));
      }
      made += fmt::format("{}({})", made.empty() ? "" : ", ", fields);
    }
    if (!made.empty() || columns.size() != 1 || !IsConstant(*columns[0].masked)) return made;
    std::string constant;
    columns[0].masker->Append("", &constant);
    return fmt::format("({})", connection_.QuoteLiteral(constant));
  }

  std::string MadeValue(const ProbedColumn& probed, const PgResult& rows, int row, int column) {
    if (rows.IsNull(row, column)) return "NULL";
    if (probed.masker == nullptr) return connection_.QuoteLiteral(rows.Get(row, column));
    std::string value;
    return probed.masker->Append(rows.Get(row, column), &value) ? connection_.QuoteLiteral(value) : "NULL";
  }

  std::string Question(const CatalogTable& table, const Constraint& constraint,
                       const std::vector<ProbedColumn>& columns, const std::string& made) {
    std::string typed, names;
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string& type = TypesOf(table).at(columns[i].column->number);
      const char* comma = i == 0 ? "" : ", ";
      typed += fmt::format("{}v{}::{} AS {}", comma, i, type, columns[i].column->quoted_name);
      names += fmt::format("{}v{}", comma, i);
    }
    // A cast that nobody looks at would not be made.
    const std::string holds = constraint.expression.empty()
                                  ? fmt::format("{0} IS NULL OR {0} IS NOT NULL", columns[0].column->quoted_name)
                                  : constraint.expression;
    return fmt::format(
        "SELECT coalesce(pg_catalog.bool_and({}), true) FROM (SELECT {} FROM (VALUES {}) AS made ({})) AS masked",
        holds, typed, made, names);
  }

  // Of all columns, by their numbers, with lengths and the like.
  const std::map<int, std::string>& TypesOf(const CatalogTable& table) {
    std::map<int, std::string>& types = types_[table.oid];
    if (!types.empty()) return types;
    const PgResult rows = connection_.Query(
        fmt::format("SELECT attnum, pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
                    "WHERE attrelid = {} AND attnum > 0 AND NOT attisdropped",
                    table.oid));
    for (int row = 0; row < rows.rows(); ++row) types[static_cast<int>(rows.Int(row, 0))] = rows.Get(row, 1);
    return types;
  }

  static std::string What(const CatalogTable& table, const std::vector<ProbedColumn>& columns) {
    std::vector<std::string> masked, rules;
    for (const ProbedColumn& probed : columns) {
      if (probed.masked == nullptr) continue;
      masked.push_back(fmt::format("{}.{}", table.quoted_name, probed.column->quoted_name));
      rules.push_back(probed.masked->rule().name());
    }
    if (masked.size() == 1) return fmt::format("{}: what \"{}\" makes", masked[0], rules[0]);
    for (size_t i = 0; i < masked.size(); ++i) masked[i] += fmt::format(" ({})", rules[i]);
    return fmt::format("{}: what the rules make", fmt::join(masked, " and "));
  }

  PgConnection& connection_;
  const MaskSecret secret_;
  std::map<uint32_t, std::map<int, std::string>> types_;  // By the tables' oids.
};

}  // namespace

void RequireFit(PgConnection& connection, const Context& context, const Catalog& catalog,
                const proto::SchemaVersion& known) {
  std::map<uint32_t, std::string> known_masks;
  for (const proto::Table& table : known.tables()) known_masks[table.id()] = table.mask().SerializeAsString();
  std::vector<const CatalogTable*> tables;
  for (const CatalogTable& table : catalog.tables) {
    if (table.mask.columns_size() == 0 || table.kind != 'r') continue;
    const auto before = known_masks.find(table.oid);
    if (before == known_masks.end() || before->second != table.mask.SerializeAsString()) tables.push_back(&table);
  }
  if (tables.empty()) return;

  const std::vector<Constraint> constraints = ReadConstraints(connection);
  Probe probe(connection, context);
  std::string problems;
  for (const CatalogTable* table : tables) {
    auto check = [&](const Constraint& constraint) {
      const std::string problem = probe.Check(*table, constraint);
      if (!problem.empty()) problems += (problems.empty() ? "" : "; ") + problem;
    };
    for (const proto::MaskedColumn& masked : table->mask.columns()) {
      if (!IsConstant(masked)) continue;
      check({.table = table->oid,
             .columns = {static_cast<int>(masked.number())},
             .name = "value of type " + masked.type(),
             .expression = {}});
    }
    for (const Constraint& constraint : constraints) {
      if (constraint.table == table->oid) check(constraint);
    }
  }
  if (problems.empty()) return;
  throw Error(ErrorCode::kUsage, "masking: " + problems,
              "another rule for the column: \"text\" keeps the shape, \"constant\" gives what you say");
}

}  // namespace rotv
