#include "cli/report/diff_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/output/format.h"

namespace rotv::report {
namespace {

std::vector<std::optional<std::string>> Values(const std::vector<std::string_view>& fields) {
  std::vector<std::optional<std::string>> values;
  for (std::string_view field : fields) {
    std::optional<std::string> value = FieldValue(field);
    if (value) value = Shortened(*value, kLongestDiffValue);
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace

std::string Shortened(std::string_view text, size_t most) {
  size_t characters = 0, end = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    bool begins_character = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
    if (begins_character && characters++ == most) end = at;
  }
  if (characters <= most) return std::string(text);
  return fmt::format("{}… ({} characters)", text.substr(0, end), output::HumanCount(characters));
}

DiffRow MakeDiffRow(const TableDiff& table, const history::RowChange& change) {
  return {.table = table.name,
          .kind = change.kind,
          .columns = table.columns,
          .key_columns = table.key_columns,
          .before = Values(*change.before),
          .after = Values(*change.after)};
}

uint64_t DiffRows::shown() const {
  uint64_t sum = 0;
  for (const DiffTableRows& table : tables) sum += table.rows.size();
  return sum;
}

uint64_t DiffRows::total() const {
  uint64_t sum = 0;
  for (const DiffTableRows& table : tables) sum += table.total;
  return sum;
}

std::vector<size_t> ShareOut(const std::vector<uint64_t>& counts, size_t limit) {
  std::vector<uint64_t> sorted = counts;
  std::sort(sorted.begin(), sorted.end());
  // After `level` rounds each table has its rows or `level` of them; in the last round only the first tables get one.
  uint64_t level = 0;
  size_t left = limit;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const size_t tables = sorted.size() - i;
    const uint64_t rounds = sorted[i] - level;
    if (rounds > left / tables) {
      level += left / tables;
      left %= tables;
      break;
    }
    level = sorted[i];
    left -= static_cast<size_t>(rounds) * tables;
  }
  std::vector<size_t> shares;
  for (const uint64_t count : counts) {
    size_t share = static_cast<size_t>(std::min(count, level));
    if (count > level && left > 0) {
      ++share;
      --left;
    }
    shares.push_back(share);
  }
  return shares;
}

void DiffRowChoice::Add(const TableDiff& table, const history::RowChange& change) {
  if (rows_.tables.empty() || rows_.tables.back().table != table.name) {
    rows_.tables.push_back({.table = table.name, .rows = {}, .total = 0});
  }
  DiffTableRows& last = rows_.tables.back();
  ++last.total;
  if (last.rows.size() >= limit_) return;
  last.rows.push_back(MakeDiffRow(table, change));
  // The share of a table only gets smaller by further tables, so that what is dropped now is not needed later.
  if (++kept_ > 2 * limit_) Trim();
}

void DiffRowChoice::Trim() {
  std::vector<uint64_t> counts;
  for (const DiffTableRows& table : rows_.tables) counts.push_back(table.total);
  const std::vector<size_t> shares = ShareOut(counts, limit_);
  kept_ = 0;
  for (size_t i = 0; i < shares.size(); ++i) {
    rows_.tables[i].rows.resize(std::min(shares[i], rows_.tables[i].rows.size()));
    kept_ += rows_.tables[i].rows.size();
  }
}

DiffRows DiffRowChoice::Take() {
  Trim();
  return std::move(rows_);
}

}  // namespace rotv::report
