#include "cli/report/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/output/format.h"

namespace rotv::report {
namespace {

using Outcome = capture::Check::Outcome;

constexpr size_t kManyTables = 60;
constexpr size_t kWidestColumn = 48;  // A long name does not push the other columns off the screen.

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kWarning:
      return "warning";
    case Outcome::kProblem:
      return "problem";
  }
  return "";
}

std::string Symbol(Outcome outcome, const output::TextStyle& style) {
  switch (outcome) {
    case Outcome::kOk:
      return output::Coloured(style.utf8 ? "✓" : "+", output::Colour::kGreen, style);
    case Outcome::kWarning:
      return output::Coloured("!", output::Colour::kYellow, style);
    case Outcome::kProblem:
      return output::Coloured(style.utf8 ? "✗" : "x", output::Colour::kRed, style);
  }
  return "";
}

// Statements are on lines of their own, ready to be copied.
std::string FixLines(std::string_view fix) {
  std::string lines;
  while (!fix.empty()) {
    size_t end = std::min(fix.find('\n'), fix.size());
    lines += fmt::format("      {}\n", output::OneLine(fix.substr(0, end)));
    fix.remove_prefix(std::min(end + 1, fix.size()));
  }
  return lines;
}

template <class Row, class Text>
size_t ColumnWidth(const std::vector<const Row*>& rows, Text text) {
  size_t width = 0;
  for (const Row* row : rows) width = std::max(width, output::DisplayWidth(output::OneLine(text(*row))));
  return std::min(width, kWidestColumn);
}

// A table with a problem is also a check, so that it decides the exit code. The text shows it once, among the tables.
bool RepeatsTable(const DoctorReport& report, const capture::Check& check) {
  return std::any_of(report.tables.begin(), report.tables.end(), [&](const capture::TableReport& table) {
    return table.name == check.name && table.outcome == check.outcome;
  });
}

std::string ChecksText(const DoctorReport& report, const output::TextStyle& style) {
  std::vector<const capture::Check*> rows;
  for (const capture::Check& check : report.checks) {
    if (!RepeatsTable(report, check)) rows.push_back(&check);
  }
  size_t name_width = ColumnWidth(rows, [](const capture::Check& check) { return check.name; });
  std::string text;
  for (const capture::Check* check : rows) {
    text += fmt::format("  {} {}  {}\n", Symbol(check->outcome, style),
                        output::PadRight(output::OneLine(check->name), name_width), output::OneLine(check->message));
    if (check->outcome != Outcome::kOk) text += FixLines(check->fix);
  }
  return text;
}

std::string TableSize(const capture::TableReport& table) {
  auto natural = [](int64_t number) { return static_cast<uint64_t>(std::max<int64_t>(number, 0)); };
  // PostgreSQL has no estimate (-1) for a table that was never analyzed.
  std::string rows = table.rows_estimate < 0 ? "? rows" : output::Counted(natural(table.rows_estimate), "row", "rows");
  return fmt::format("{}, {}", rows, output::HumanBytes(natural(table.bytes)));
}

std::string TablesText(const std::vector<const capture::TableReport*>& rows, const output::TextStyle& style) {
  size_t name_width = ColumnWidth(rows, [](const capture::TableReport& table) { return table.name; });
  size_t follow_width = ColumnWidth(rows, [](const capture::TableReport& table) { return table.follow; });
  size_t size_width = ColumnWidth(rows, TableSize);
  std::string text;
  for (const capture::TableReport* table : rows) {
    std::string line = fmt::format("  {} {}  {}  {}  {}", Symbol(table->outcome, style),
                                   output::PadRight(output::OneLine(table->name), name_width),
                                   output::PadRight(output::OneLine(table->follow), follow_width),
                                   output::PadLeft(TableSize(*table), size_width), output::OneLine(table->reason));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (table->outcome != Outcome::kOk) text += FixLines(table->fix);
  }
  return text;
}

std::string TablesSummary(const DoctorReport& report) {
  std::map<std::string, uint64_t> ways;
  for (const capture::TableReport& table : report.tables) ++ways[output::OneLine(table.follow)];
  // Tables streamed by an index each name their own; the summary counts them together.
  std::map<std::string, uint64_t> merged;
  for (const auto& [way, count] : ways)
    merged[way.starts_with("streamed by index") ? "streamed by an index" : way] += count;
  std::string text;
  for (const auto& [way, count] : merged)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", output::HumanCount(count), way);
  return fmt::format("{}: {}", output::Counted(report.tables.size(), "table", "tables"), text);
}

std::string Verdict(const DoctorReport& report, const output::TextStyle& style) {
  uint64_t problems = 0;
  uint64_t warnings = 0;
  auto count = [&](Outcome outcome) {
    problems += outcome == Outcome::kProblem ? 1 : 0;
    warnings += outcome == Outcome::kWarning ? 1 : 0;
  };
  for (const capture::Check& check : report.checks) {
    if (!RepeatsTable(report, check)) count(check.outcome);
  }
  for (const capture::TableReport& table : report.tables) count(table.outcome);
  std::string counts = fmt::format("{}, {}", output::Counted(problems, "problem", "problems"),
                                   output::Counted(warnings, "warning", "warnings"));
  const char* work = report.follows_remote ? "pull" : "baseline";
  if (const capture::Check* problem = report.FirstProblem()) {
    return fmt::format("{} {}: {} would fail at {} (exit code {}).\n", Symbol(Outcome::kProblem, style), counts, work,
                       output::OneLine(problem->name), static_cast<int>(problem->code));
  }
  if (problems + warnings == 0) return fmt::format("{} Ready for a {}.\n", Symbol(Outcome::kOk, style), work);
  return fmt::format("{} {}; ready for a {}.\n", Symbol(Outcome::kWarning, style), counts, work);
}

}  // namespace

std::string DoctorText(const DoctorReport& report, Detail detail, const output::TextStyle& style) {
  std::string text = output::OneLine(report.source) + "\n";
  if (!report.server.empty()) text += output::OneLine(report.server) + "\n";
  text += "\n" + ChecksText(report, style);

  if (!report.tables.empty()) {
    std::vector<const capture::TableReport*> rows;
    bool all = detail == Detail::kEverything || report.tables.size() < kManyTables;
    for (const capture::TableReport& table : report.tables) {
      if (all || table.outcome != Outcome::kOk) rows.push_back(&table);
    }
    std::stable_sort(rows.begin(), rows.end(), [](auto* a, auto* b) { return a->outcome > b->outcome; });
    text += "\n" + TablesSummary(report) + "\n" + TablesText(rows, style);
    if (size_t hidden = report.tables.size() - rows.size(); hidden > 0) {
      text += fmt::format("  {} {} without remarks: -v lists them\n", Symbol(Outcome::kOk, style),
                          output::Counted(hidden, "table", "tables"));
    }
  }
  return text + "\n" + Verdict(report, style);
}

output::Json DoctorJson(const DoctorReport& report) {
  const capture::Check* first = report.FirstProblem();
  output::Json checks = output::Json::array();
  for (const capture::Check& check : report.checks) {
    output::Json entry;
    entry["outcome"] = OutcomeName(check.outcome);
    entry["name"] = check.name;
    entry["message"] = check.message;
    entry["fix"] = check.fix;
    entry["code"] = check.outcome == Outcome::kProblem ? static_cast<int>(check.code) : 0;
    checks.push_back(std::move(entry));
  }
  output::Json tables = output::Json::array();
  for (const capture::TableReport& table : report.tables) {
    output::Json entry;
    entry["outcome"] = OutcomeName(table.outcome);
    entry["name"] = table.name;
    entry["follow"] = table.follow;
    entry["reason"] = table.reason;
    entry["rows_estimate"] = table.rows_estimate;
    entry["bytes"] = table.bytes;
    entry["fix"] = table.fix;
    tables.push_back(std::move(entry));
  }
  output::Json document;
  document["ready"] = first == nullptr;
  document["code"] = first == nullptr ? 0 : static_cast<int>(first->code);
  document["source"] = report.source;
  document["server"] = report.server;
  document["checks"] = std::move(checks);
  document["tables"] = std::move(tables);
  return document;
}

}  // namespace rotv::report
