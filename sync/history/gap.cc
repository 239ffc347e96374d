#include "sync/history/gap.h"

#include <fmt/format.h>

#include <set>
#include <string_view>
#include <utility>

#include "sync/formats/sql_tokens.h"
#include "sync/schema/follow.h"

// A pull that copies a table again knows the table before and after, and nothing in between: until its head there is a
// gap in the history. If unstreamed tables are the only reason, every other table has its rows at each LSN in the gap,
// and a state there can be had with these tables as they were before. It imports unless a foreign key joins one of them
// with another table, so such keys are looked for in the stored schema's text: the source's catalogue knows only
// today's.

namespace rotv::history {
namespace {

// The tables at both ends of each foreign key in the text of a schema, as SqlTokens() writes names.
std::vector<std::pair<std::string, std::string>> ForeignKeys(const std::string& post_data) {
  constexpr std::string_view kAlter = "ALTER TABLE ", kOnly = "ONLY ", kKey = " FOREIGN KEY ", kTo = " REFERENCES ";
  const std::string text = formats::SqlTokens(post_data);
  std::vector<std::pair<std::string, std::string>> keys;
  for (size_t at = text.find(kKey); at != std::string::npos; at = text.find(kKey, at + 1)) {
    size_t table = text.rfind(kAlter, at);
    const size_t to = text.find(kTo, at);
    if (table == std::string::npos || to == std::string::npos) continue;
    table += kAlter.size();
    if (text.compare(table, kOnly.size(), kOnly) == 0) table += kOnly.size();
    const size_t name_end = text.find(" ADD CONSTRAINT ", table);
    const size_t other = to + kTo.size(), other_end = text.find(" (", other);
    if (name_end == std::string::npos || name_end > at || other_end == std::string::npos) continue;
    keys.emplace_back(text.substr(table, name_end - table), text.substr(other, other_end - other));
  }
  return keys;
}

}  // namespace

const proto::Gap* GapAt(const RowStore& store, Lsn lsn) {
  for (const proto::Gap& gap : store.manifest().gaps()) {
    if (lsn > Lsn(gap.after_lsn()) && lsn < Lsn(gap.before_lsn())) return &gap;
  }
  return nullptr;
}

std::vector<UnstreamedTable> OnlyUnstreamed(const RowStore& store, const proto::Gap& gap) {
  std::vector<UnstreamedTable> tables;
  if (!gap.only_unstreamed()) return tables;
  const std::set<TableId> copied(gap.copied().begin(), gap.copied().end());
  const proto::SchemaVersion schema = store.SchemaAt(Lsn(gap.before_lsn()));
  const auto keys = ForeignKeys(schema.post_data());
  for (const proto::Table& table : schema.tables()) {
    if (copied.count(table.id()) == 0) continue;
    UnstreamedTable& found = tables.emplace_back();
    found = {.name = table.quoted_name(),
             .reason = table.follow_reason(),
             .advice = table.follow_advice(),
             .joined_with = {}};
    const std::string name = formats::SqlTokens(table.quoted_name());
    for (const auto& [one, other] : keys) {
      if (one == name) found.joined_with = other;
      if (other == name) found.joined_with = one;
    }
  }
  return tables;
}

std::string NamesText(const std::vector<UnstreamedTable>& tables) {
  std::string text;
  for (const UnstreamedTable& table : tables) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", table.name, table.reason);
  }
  return text;
}

std::string AdviceText(const std::vector<UnstreamedTable>& tables) {
  std::string text;
  for (const UnstreamedTable& table : tables) {
    if (!table.advice.empty()) text += (text.empty() ? "" : "; ") + table.advice;
  }
  return text;
}

}  // namespace rotv::history
