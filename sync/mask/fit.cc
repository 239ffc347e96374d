#include "sync/mask/fit.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "storage/error.h"
#include "sync/mask/secret.h"
#include "sync/mask/stored_mask.h"

namespace rotv {
namespace {

constexpr int kProbes = 20;

struct Constraint {
  uint32_t table = 0;
  int column = 0;
  std::string name;        // Of a domain: its own, quoted.
  std::string expression;  // Over the column's name; empty for a domain, to which a cast is enough.
};

// Domains over domains have their checks, too.
constexpr const char* kSql = R"sql(
SELECT conrelid, conkey[1], conname, pg_catalog.pg_get_expr(conbin, conrelid)
FROM pg_catalog.pg_constraint
WHERE contype = 'c' AND conrelid <> 0 AND pg_catalog.cardinality(conkey) = 1
UNION ALL
SELECT a.attrelid, a.attnum, pg_catalog.format_type(a.atttypid, NULL), NULL
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typtype = 'd'
WHERE a.attnum > 0 AND NOT a.attisdropped
)sql";

std::vector<Constraint> ReadConstraints(PgConnection& connection) {
  std::vector<Constraint> constraints;
  const PgResult rows = connection.Query(kSql);
  for (int row = 0; row < rows.rows(); ++row) {
    constraints.push_back({.table = rows.Oid(row, 0),
                           .column = static_cast<int>(rows.Int(row, 1)),
                           .name = rows.Get(row, 2),
                           .expression = rows.IsNull(row, 3) ? "" : rows.Get(row, 3)});
  }
  return constraints;
}

// The same for every value, also for those that come later; and whatever the config says.
bool IsConstant(const proto::MaskedColumn& masked) {
  return masked.rule().name() == "constant" || masked.rule().name() == "password";
}

class Probe {
 public:
  Probe(PgConnection& connection, const Context& context) : connection_(connection), secret_(MaskSecretOf(context)) {}

  // Empty if it is met.
  std::string Check(const CatalogTable& table, const proto::MaskedColumn& masked, const Constraint& constraint) {
    const CatalogColumn* column = nullptr;
    for (const CatalogColumn& candidate : table.columns) {
      if (candidate.number == constraint.column) column = &candidate;
    }
    if (column == nullptr) return "";
    const std::string values = MaskedValues(table, *column, masked);
    if (values.empty()) return "";
    const std::string type =
        connection_
            .Query(fmt::format("SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
                               "WHERE attrelid = {} AND attnum = {}",
                               table.oid, constraint.column))
            .Get(0, 0);
    const std::string what =
        fmt::format("{}.{}: what \"{}\" makes", table.quoted_name, column->quoted_name, masked.rule().name());
    const PgOutcome outcome = connection_.TryQuery(fmt::format(
        "SELECT coalesce(pg_catalog.bool_and({}), true) FROM (SELECT v::{} AS {} FROM (VALUES {}) AS made (v)) AS "
        "masked",
        constraint.expression.empty() ? column->quoted_name + " IS NOT NULL" : "(" + constraint.expression + ")", type,
        column->quoted_name, values));
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
  // "('a'), ('b')"; empty if there is nothing to mask.
  std::string MaskedValues(const CatalogTable& table, const CatalogColumn& column, const proto::MaskedColumn& masked) {
    const std::unique_ptr<const Masker> masker =
        MakeMasker(masked, table.quoted_name + "." + column.quoted_name, secret_);
    const PgResult rows =
        connection_.Query(fmt::format("SELECT {}::text FROM ONLY {} WHERE {} IS NOT NULL LIMIT {}", column.quoted_name,
                                      table.quoted_name, column.quoted_name, kProbes));
    std::string values;
    auto add = [&](const std::string& real) {
      std::string value;
      if (!masker->Append(real, &value)) return;
      values += fmt::format("{}({})", values.empty() ? "" : ", ", connection_.QuoteLiteral(value));
    };
    for (int row = 0; row < rows.rows(); ++row) add(rows.Get(row, 0));
    if (values.empty() && IsConstant(masked)) add("");
    return values;
  }

  PgConnection& connection_;
  const MaskSecret secret_;
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
    for (const proto::MaskedColumn& masked : table->mask.columns()) {
      const auto number = static_cast<int>(masked.number());
      auto check = [&](const Constraint& constraint) {
        const std::string problem = probe.Check(*table, masked, constraint);
        if (!problem.empty()) problems += (problems.empty() ? "" : "; ") + problem;
      };
      if (IsConstant(masked)) {
        check({.table = table->oid, .column = number, .name = "value of type " + masked.type(), .expression = {}});
      }
      for (const Constraint& constraint : constraints) {
        if (constraint.table == table->oid && constraint.column == number) check(constraint);
      }
    }
  }
  if (problems.empty()) return;
  throw Error(ErrorCode::kUsage, "masking: " + problems,
              "another rule for the column: \"text\" keeps the shape, \"constant\" gives what you say");
}

}  // namespace rotv
