#include "cli/report/verify_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/output/terminal.h"

namespace rotv::report {
namespace {

constexpr const char* kRepairHint = "rotv-sync verify --repair";

const char* DifferenceName(compare::KeyDifference::Kind kind) {
  switch (kind) {
    case compare::KeyDifference::Kind::kMissing:
      return "missing";
    case compare::KeyDifference::Kind::kExtra:
      return "extra";
    case compare::KeyDifference::Kind::kDifferent:
      return "different";
  }
  return "";
}

const char* KindText(compare::KeyDifference::Kind kind) {
  switch (kind) {
    case compare::KeyDifference::Kind::kMissing:
      return "not in the store";
    case compare::KeyDifference::Kind::kExtra:
      return "not on the source";
    case compare::KeyDifference::Kind::kDifferent:
      return "different";
  }
  return "";
}

std::string KeyText(const compare::KeyDifference& difference) {
  std::string text;
  for (const auto& [column, value] : difference.key) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", output::OneLine(column), output::OneLine(value));
  }
  return text;
}

std::string RangeText(const compare::DifferingRange& range) {
  if (!range.from && !range.to) return "all keys";
  if (!range.from) return "keys below " + output::OneLine(*range.to);
  if (!range.to) return "keys from " + output::OneLine(*range.from);
  return fmt::format("keys from {} to below {}", output::OneLine(*range.from), output::OneLine(*range.to));
}

std::string CountsText(const compare::TableDifference& difference) {
  return fmt::format("{}{} missing, {} not on the source, {} different", difference.complete ? "" : "at least ",
                     output::Counted(difference.missing, "row", "rows"), output::HumanCount(difference.extra),
                     output::HumanCount(difference.different));
}

std::string TableText(const TableVerdict& table) {
  std::string text = fmt::format("{}{}: ", output::OneLine(table.table), table.repaired ? " (repaired)" : "");
  if (!table.unreadable.empty()) return text + output::OneLine(table.unreadable) + "\n";
  const compare::TableDifference& difference = table.difference;
  text += CountsText(difference) + "\n";
  for (const compare::DifferingRange& range : difference.ranges) text += fmt::format("  in {}\n", RangeText(range));
  if (difference.differing_ranges > difference.ranges.size() && !difference.ranges.empty()) {
    text += fmt::format("  and in {}\n", output::Counted(difference.differing_ranges - difference.ranges.size(),
                                                         "more range", "more ranges"));
  }
  for (const compare::KeyDifference& key : difference.keys) {
    text += fmt::format("  {}: {}\n", KeyText(key), KindText(key.kind));
  }
  uint64_t known = difference.missing + difference.extra + difference.different;
  if (!difference.keys.empty() && known > difference.keys.size()) {
    text += fmt::format("  and {}\n", output::Counted(known - difference.keys.size(), "more row", "more rows"));
  }
  return text;
}

output::Json OptionalJson(const std::optional<std::string>& text) {
  return text ? output::Json(*text) : output::Json();
}

output::Json DifferenceJson(const compare::TableDifference& difference) {
  output::Json document;
  document["complete"] = difference.complete;
  document["missing"] = difference.missing;
  document["extra"] = difference.extra;
  document["different"] = difference.different;
  document["differing_ranges"] = difference.differing_ranges;
  document["ranges"] = output::Json::array();
  for (const compare::DifferingRange& range : difference.ranges) {
    document["ranges"].push_back({{"from", OptionalJson(range.from)}, {"to", OptionalJson(range.to)}});
  }
  document["keys"] = output::Json::array();
  for (const compare::KeyDifference& difference_of_key : difference.keys) {
    output::Json key = output::Json::object();
    for (const auto& [column, value] : difference_of_key.key) key[column] = value;
    document["keys"].push_back({{"kind", DifferenceName(difference_of_key.kind)}, {"key", key}});
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
  std::string compared = fmt::format("{} in {} compared at {} in {}", output::Counted(result.rows, "row", "rows"),
                                     output::Counted(result.tables.size(), "table", "tables"), result.lsn.ToString(),
                                     output::HumanDuration(result.seconds));
  if (!result.masked.empty()) {
    compared += fmt::format("; {} not compared, because of masking",
                            output::Counted(result.masked.size(), "table was", "tables were"));
  }
  if (!result.in_part.empty()) {
    compared += fmt::format("; {} compared without the masked columns",
                            output::Counted(result.in_part.size(), "table", "tables"));
  }
  if (result.wire_bytes > 0) compared += fmt::format("; {} received over SSH", output::HumanBytes(result.wire_bytes));
  if (result.differing() > 0) {
    return text + fmt::format("{} not equal to {}: {}.\nhint: {}\n",
                              output::Counted(result.differing(), "table is", "tables are"), source_name, compared,
                              kRepairHint);
  }
  if (repaired > 0) text += fmt::format("Repaired: {}.\n", output::Counted(repaired, "table", "tables"));
  return text + fmt::format("The store is equal to {}: {}.\n", source_name, compared);
}

output::Json VerifyJson(const VerifyResult& result) {
  output::Json document;
  document["masked"] = result.masked;
  document["in_part"] = result.in_part;
  document["equal"] = result.differing() == 0;
  document["lsn"] = result.lsn.ToString();
  document["rows"] = result.rows;
  document["differing"] = result.differing();
  document["tables"] = output::Json::array();
  for (const TableVerdict& table : result.tables) {
    output::Json described;
    described["name"] = table.table;
    described["lsn"] = table.lsn.ToString();
    described["rows"] = table.rows;
    described["equal"] = table.equal;
    described["repaired"] = table.repaired;
    described["unreadable"] = table.unreadable.empty() ? output::Json() : output::Json(table.unreadable);
    described["difference"] = table.equal && !table.repaired ? output::Json() : DifferenceJson(table.difference);
    document["tables"].push_back(std::move(described));
  }
  document["wire_bytes"] = result.wire_bytes;
  document["seconds"] = result.seconds;
  document["hint"] = result.differing() == 0 ? output::Json() : output::Json(kRepairHint);
  return document;
}

}  // namespace rotv::report
