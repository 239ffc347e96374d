#include "sync/compare/digest_sql.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "sync/compare/row_hash.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/large_objects.h"

namespace rotv::compare {

std::vector<size_t> ComparedColumns(const proto::Table& table, const proto::Shape& shape) {
  std::vector<size_t> compared;
  for (int i = 0; i < shape.columns_size(); ++i) {
    if (mask::MaskOf(table, shape.columns(i).number()) == nullptr) compared.push_back(static_cast<size_t>(i));
  }
  return compared;
}

bool CanBeCompared(const proto::Table& table, const proto::Shape& shape) {
  if (table.mask().sample_percent() > 0 || table.mask().conditions_size() > 0) return false;
  const auto& key = table.key_columns();
  return std::none_of(key.begin(), key.end(), [&](uint32_t column) {
    return mask::MaskOf(table, shape.columns(static_cast<int>(column)).number()) != nullptr;
  });
}

DigestSql::DigestSql(const postgres::PgConnection& connection, const proto::Table& table, const proto::Shape& shape)
    : connection_(connection), table_(table) {
  for (const proto::Column& column : shape.columns()) columns_.push_back(connection.QuoteIdentifier(column.name()));
  if (table.id() == postgres::kLargeObjectTable) {
    from_ = fmt::format("({}) r ({})", postgres::LargeObjectRowsSql(), ColumnsList());
  } else if (!table.filter().empty()) {
    from_ = fmt::format("(SELECT {} FROM ONLY {}{}) r", ColumnsList(), table.quoted_name(), table.filter());
  } else {
    from_ = fmt::format("ONLY {}", table.quoted_name());
    plain_ = connection.server_version() >= 140000;
  }
  std::vector<std::string> compared;
  for (size_t column : ComparedColumns(table, shape)) compared.push_back(columns_[column]);
  hash_ = RowHashSql(compared);
}

std::string DigestSql::ColumnsList() const { return fmt::format("{}", fmt::join(columns_, ", ")); }

std::string DigestSql::FirstKey() const {
  if (table_.key_columns().empty()) return "NULL";
  const std::string& column = columns_.at(table_.key_columns(0));
  // concat() of one value is its type's output, as COPY has it; a cast to text is not, for some types.
  return IntegerKey() ? column + "::bigint" : fmt::format("concat({}) COLLATE \"C\"", column);
}

// Returns the group as an expression over k, the first key column, and h, the hash.
std::string DigestSql::GroupExpression(const TableDigest& layout) const {
  std::string range = "0";
  if (!layout.begins.empty()) {
    std::string begins;
    for (const std::string& begin : layout.begins) {
      begins += (begins.empty() ? "" : ",") + (IntegerKey() ? begin : connection_.QuoteLiteral(begin));
    }
    range = IntegerKey() ? fmt::format("width_bucket(k, '{{{}}}'::bigint[])", begins)
                         : fmt::format("width_bucket(k COLLATE \"C\", ARRAY[{}]::text[])", begins);
  }
  if (layout.parts == 1) return range;
  return fmt::format("{} * {} + (h & {})", range, layout.parts, layout.parts - 1);
}

std::string DigestSql::WhereRanges(const TableDigest& layout, const std::vector<size_t>& groups) const {
  if (!IntegerKey() || groups.empty()) return "";
  size_t first = groups.front() / layout.parts;
  size_t last = groups.back() / layout.parts;
  std::string key = FirstKey();
  // The cast is removed so that an index on the column can be used.
  key.resize(key.size() - std::string_view("::bigint").size());
  std::string where;
  if (first > 0) where += fmt::format(" WHERE {} >= {}", key, layout.begins[first - 1]);
  if (last < layout.begins.size()) {
    where += fmt::format(" {} {} < {}", where.empty() ? "WHERE" : "AND", key, layout.begins[last]);
  }
  return where;
}

std::string DigestSql::Groups(const TableDigest& layout, const BlockRange& blocks) const {
  std::string where;
  if (blocks.begin > 0) where += fmt::format(" WHERE ctid >= '({},0)'", blocks.begin);
  if (blocks.end >= 0) where += fmt::format(" {} ctid < '({},0)'", where.empty() ? "WHERE" : "AND", blocks.end);
  // OFFSET 0 keeps the server from computing the hash once for each place where it is used.
  return fmt::format(
      "SELECT g, count(*), sum(h) FROM (SELECT {} AS g, h FROM (SELECT {} AS k, {} AS h FROM {}{} OFFSET 0) r) r "
      "GROUP BY g",
      GroupExpression(layout), FirstKey(), hash_, from_, where);
}

std::string DigestSql::Keys(const TableDigest& layout, const std::vector<size_t>& groups) const {
  std::string inner;
  std::string outer;
  for (int i = 0; i < table_.key_columns_size(); ++i) {
    inner += fmt::format("{} AS c{}, ", columns_.at(table_.key_columns(i)), i);
    outer += fmt::format(", c{}", i);
  }
  return fmt::format(
      "SELECT h{} FROM (SELECT {}{} AS k, {} AS h FROM {}{} OFFSET 0) r WHERE ({}) = ANY ('{{{}}}'::bigint[])", outer,
      inner, FirstKey(), hash_, from_, WhereRanges(layout, groups), GroupExpression(layout), fmt::join(groups, ","));
}

std::string DigestSql::Rows(const TableDigest& layout, const std::vector<size_t>& groups,
                            std::span<const uint64_t> hashes) const {
  std::string list;
  for (uint64_t hash : hashes) list += fmt::format("{}{}", list.empty() ? "" : ",", static_cast<int64_t>(hash));
  std::string where = WhereRanges(layout, groups);
  return fmt::format("SELECT {} FROM {}{} {} {} = ANY ('{{{}}}'::bigint[])", ColumnsList(), from_, where,
                     where.empty() ? "WHERE" : "AND", hash_, list);
}

uint64_t ModuloWord(std::string_view decimal) {
  bool negative = decimal.starts_with('-');
  if (negative) decimal.remove_prefix(1);
  uint64_t value = 0;
  for (char digit : decimal) {
    if (digit < '0' || digit > '9') throw Error(ErrorCode::kProtocol, "the source sent a sum that is not a number");
    value = value * 10 + static_cast<uint64_t>(digit - '0');
  }
  if (decimal.empty()) throw Error(ErrorCode::kProtocol, "the source sent a sum that is not a number");
  return negative ? uint64_t{0} - value : value;
}

void AddGroups(const postgres::PgResult& result, std::vector<GroupDigest>* groups) {
  for (int row = 0; row < result.rows(); ++row) {
    int64_t group = result.Int(row, 0);
    if (group < 0 || group >= static_cast<int64_t>(groups->size())) {
      throw Error(ErrorCode::kProtocol, "the source put rows into a group that was not asked for");
    }
    groups->at(static_cast<size_t>(group))
        .Add({static_cast<uint64_t>(result.Int(row, 1)), ModuloWord(result.Text(row, 2))});
  }
}

}  // namespace rotv::compare
