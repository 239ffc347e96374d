#include "cli/report/verify_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/output/terminal.h"

namespace rotv {
namespace {

constexpr const char* kRepairHint = "rotv-sync verify --repair";

const char* KindName(KeyDifference::Kind kind) {
  switch (kind) {
    case KeyDifference::Kind::kMissing:
      return "missing";
    case KeyDifference::Kind::kExtra:
      return "extra";
    case KeyDifference::Kind::kDifferent:
      return "different";
  }
  return "";
}

const char* KindText(KeyDifference::Kind kind) {
  switch (kind) {
    case KeyDifference::Kind::kMissing:
      return "not in the store";
    case KeyDifference::Kind::kExtra:
      return "not on the source";
    case KeyDifference::Kind::kDifferent:
      return "different";
  }
  return "";
}

std::string KeyText(const KeyDifference& difference) {
  std::string text;
  for (const auto& [column, value] : difference.key) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", OneLine(column), OneLine(value));
  }
  return text;
}

std::string RangeText(const DifferingRange& range) {
  if (!range.from && !range.to) return "all keys";
  if (!range.from) return "keys below " + OneLine(*range.to);
  if (!range.to) return "keys from " + OneLine(*range.from);
  return fmt::format("keys from {} to below {}", OneLine(*range.from), OneLine(*range.to));
}

std::string CountsText(const TableDifference& difference) {
  return fmt::format("{}{} missing, {} not on the source, {} different", difference.complete ? "" : "at least ",
                     Counted(difference.missing, "row", "rows"), HumanCount(difference.extra),
                     HumanCount(difference.different));
}

std::string TableText(const TableVerdict& table) {
  std::string text = fmt::format("{}{}: ", OneLine(table.table), table.repaired ? " (repaired)" : "");
  if (!table.unreadable.empty()) return text + OneLine(table.unreadable) + "\n";
  const TableDifference& difference = table.difference;
  text += CountsText(difference) + "\n";
  for (const DifferingRange& range : difference.ranges) text += fmt::format("  in {}\n", RangeText(range));
  if (difference.differing_ranges > difference.ranges.size() && !difference.ranges.empty()) {
    text += fmt::format("  and in {}\n",
                        Counted(difference.differing_ranges - difference.ranges.size(), "more range", "more ranges"));
  }
  for (const KeyDifference& key : difference.keys) {
    text += fmt::format("  {}: {}\n", KeyText(key), KindText(key.kind));
  }
  uint64_t known = difference.missing + difference.extra + difference.different;
  if (!difference.keys.empty() && known > difference.keys.size()) {
    text += fmt::format("  and {}\n", Counted(known - difference.keys.size(), "more row", "more rows"));
  }
  return text;
}

Json OptionalJson(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

Json DifferenceJson(const TableDifference& difference) {
  Json document;
  document["complete"] = difference.complete;
  document["missing"] = difference.missing;
  document["extra"] = difference.extra;
  document["different"] = difference.different;
  document["differing_ranges"] = difference.differing_ranges;
  document["ranges"] = Json::array();
  for (const DifferingRange& range : difference.ranges) {
    document["ranges"].push_back({{"from", OptionalJson(range.from)}, {"to", OptionalJson(range.to)}});
  }
  document["keys"] = Json::array();
  for (const KeyDifference& difference_of_key : difference.keys) {
    Json key = Json::object();
    for (const auto& [column, value] : difference_of_key.key) key[column] = value;
    document["keys"].push_back({{"kind", KindName(difference_of_key.kind)}, {"key", key}});
  }
  return document;
}

}  // namespace

std::string VerifyText(const VerifyResult& result, const std::string& source_name) {
  std::string text;
  uint64_t repaired = 0;
  for (const TableVerdict& table : result.tables) {
    if (table.equal && !table.repaired) continue;
    text += TableText(table);
    if (table.repaired) ++repaired;
  }
  std::string compared = fmt::format("{} in {} compared at {} in {}", Counted(result.rows, "row", "rows"),
                                     Counted(result.tables.size(), "table", "tables"), result.lsn.ToString(),
                                     HumanDuration(result.seconds));
  if (!result.masked.empty()) {
    compared +=
        fmt::format("; {} not compared, because of masking", Counted(result.masked.size(), "table was", "tables were"));
  }
  if (!result.in_part.empty()) {
    compared += fmt::format("; of {} without the masked columns", Counted(result.in_part.size(), "table", "tables"));
  }
  if (result.wire_bytes > 0) compared += fmt::format("; {} received over SSH", HumanBytes(result.wire_bytes));
  if (result.differing() > 0) {
    return text + fmt::format("{} not equal to {}: {}.\nhint: {}\n",
                              Counted(result.differing(), "table is", "tables are"), source_name, compared,
                              kRepairHint);
  }
  if (repaired > 0) text += fmt::format("Repaired: {}.\n", Counted(repaired, "table", "tables"));
  return text + fmt::format("The store is equal to {}: {}.\n", source_name, compared);
}

Json VerifyJson(const VerifyResult& result) {
  Json document;
  document["masked"] = result.masked;
  document["in_part"] = result.in_part;
  document["equal"] = result.differing() == 0;
  document["lsn"] = result.lsn.ToString();
  document["rows"] = result.rows;
  document["differing"] = result.differing();
  document["tables"] = Json::array();
  for (const TableVerdict& table : result.tables) {
    Json described;
    described["name"] = table.table;
    described["lsn"] = table.lsn.ToString();
    described["rows"] = table.rows;
    described["equal"] = table.equal;
    described["repaired"] = table.repaired;
    described["unreadable"] = table.unreadable.empty() ? Json() : Json(table.unreadable);
    described["difference"] = table.equal && !table.repaired ? Json() : DifferenceJson(table.difference);
    document["tables"].push_back(std::move(described));
  }
  document["wire_bytes"] = result.wire_bytes;
  document["seconds"] = result.seconds;
  document["hint"] = result.differing() == 0 ? Json() : Json(kRepairHint);
  return document;
}

}  // namespace rotv
