#include "sync/mask/probe_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "sync/context/mask_rule_table.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/sqlstate.h"

namespace rotv::mask {
namespace {

constexpr int kProbes = 200;
constexpr int kProbedBytes = 8192;  // Rows whose values take more than this are not probed.

// True if what the rule makes depends on nothing but a hash of the value.
bool IsFake(const proto::MaskedColumn& masked) {
  const MaskRuleRow* row = RowNamed(masked.rule().name());
  return row != nullptr && row->unique == MaskRuleRow::Unique::kTexts;
}

}  // namespace

MaskedTable::MaskedTable(const postgres::CatalogTable& described) : table(described) {
  for (const postgres::CatalogColumn& column : table.columns) columns[column.number] = &column;
  for (const proto::MaskedColumn& column : table.mask.columns()) masked[static_cast<int>(column.number())] = &column;
}

std::string MaskedTable::NameOf(int number) const {
  return fmt::format("{}.{}", table.quoted_name, columns.at(number)->quoted_name);
}

bool IsConstant(const proto::MaskedColumn& masked) {
  const MaskRuleRow* row = RowNamed(masked.rule().name());
  return row != nullptr && row->Takes("value");
}

const std::optional<std::string>& ProbeRows::Of(const std::set<int>& numbers) {
  const auto made = made_.find(numbers);
  return made != made_.end() ? made->second : made_.emplace(numbers, Read(numbers)).first->second;
}

std::string ProbeRows::Constant(int number) const {
  std::string constant;
  MakeMasker(*table_.masked.at(number), table_.NameOf(number), secret_)->Append("", &constant);
  return constant;
}

std::optional<std::string> ProbeRows::Read(const std::set<int>& numbers) {
  std::vector<Column> columns;
  bool fake = false;
  for (const int number : numbers) {
    Column& column = columns.emplace_back();
    column.quoted_name = table_.columns.at(number)->quoted_name;
    const auto masked = table_.masked.find(number);
    if (masked == table_.masked.end()) continue;
    column.masked = masked->second;
    column.masker = MakeMasker(*column.masked, table_.NameOf(number), secret_);
    fake |= IsFake(*column.masked);
  }
  const postgres::PgOutcome outcome = connection_.TryQuery(
      fmt::format("BEGIN READ ONLY; SET LOCAL statement_timeout = {}; {}; COMMIT", kProbeTimeoutMs, Query(columns)));
  if (outcome.failure) {
    (void)connection_.TryQuery("ROLLBACK");
    // A migration has the table, or has changed it or its privileges since: its rows are tried by a later run.
    const std::string& state = outcome.failure->sqlstate;
    static constexpr std::string_view kLater[] = {
        postgres::sqlstate::kQueryCanceled, postgres::sqlstate::kLockNotAvailable, postgres::sqlstate::kUndefinedTable,
        postgres::sqlstate::kUndefinedColumn, postgres::sqlstate::kInsufficientPrivilege};
    if (std::find(std::begin(kLater), std::end(kLater), state) == std::end(kLater)) {
      connection_.Throw(*outcome.failure);
    }
    return std::nullopt;
  }
  const postgres::PgResult& rows = outcome.results.at(2);
  std::string made;
  for (int row = 0; row < rows.rows(); ++row) AddRow(columns, &rows, row, "", &made);
  // Rows that come later have other fake values.
  const bool alone = columns.size() == 1;
  for (int more = rows.rows(); fake && (rows.rows() > 0 || alone) && more < kProbes; ++more) {
    AddRow(columns, rows.rows() > 0 ? &rows : nullptr, more % std::max(rows.rows(), 1), std::to_string(more), &made);
  }
  if (!made.empty() || !alone || !IsConstant(*columns[0].masked)) return made;
  return fmt::format("({})", connection_.QuoteLiteral(Constant(*numbers.begin())));
}

// concat() gives a type's output, as COPY does; a cast would call one that the owner of a type has defined, should the
// column have changed to such a type.
std::string ProbeRows::Query(const std::vector<Column>& columns) const {
  std::string list, wanted, size;
  for (const Column& column : columns) {
    list += fmt::format("{0}CASE pg_catalog.num_nulls({1}) WHEN 0 THEN pg_catalog.concat({1}) END",
                        list.empty() ? "" : ", ", column.quoted_name);
    size += fmt::format("{}coalesce(pg_catalog.pg_column_size({}), 0)", size.empty() ? "" : " + ", column.quoted_name);
    if (column.masked == nullptr) continue;
    wanted += fmt::format("{}pg_catalog.num_nulls({}) = 0", wanted.empty() ? "" : " OR ", column.quoted_name);
  }
  return fmt::format("SELECT {} FROM ONLY {} WHERE ({}) AND {} <= {} LIMIT {}", list, table_.table.quoted_name, wanted,
                     size, kProbedBytes, kProbes);
}

// Appends a row as it becomes if `more` follows what is replaced by fake values; without `rows`, if these are `more`.
void ProbeRows::AddRow(const std::vector<Column>& columns, const postgres::PgResult* rows, int row,
                       const std::string& more, std::string* made) const {
  std::string fields;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) fields += ", ";
    const auto index = static_cast<int>(i);
    bool null = rows != nullptr && rows->IsNull(row, index);
    std::string value = rows == nullptr || null ? "" : rows->Get(row, index);
    if (!null && columns[i].masked != nullptr) {
      if (IsFake(*columns[i].masked)) value += more;
      std::string masked;
      null = !columns[i].masker->Append(value, &masked);
      value.swap(masked);
    }
    fields += null ? "NULL" : connection_.QuoteLiteral(value);
  }
  *made += fmt::format("{}({})", made->empty() ? "" : ", ", fields);
}

}  // namespace rotv::mask
