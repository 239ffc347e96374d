#include "cli/report/diff_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/output/terminal.h"

namespace rotv::report {
namespace {

// The text output cuts values that have more characters.
constexpr size_t kLongestShown = 60;

const char* KindName(history::RowChange::Kind kind) {
  switch (kind) {
    case history::RowChange::Kind::kAdded:
      return "added";
    case history::RowChange::Kind::kRemoved:
      return "removed";
    case history::RowChange::Kind::kChanged:
      break;
  }
  return "changed";
}

const char* KindName(schema::SchemaChange::Kind kind) {
  switch (kind) {
    case schema::SchemaChange::Kind::kAdded:
      return "added";
    case schema::SchemaChange::Kind::kRemoved:
      return "removed";
    case schema::SchemaChange::Kind::kChanged:
      break;
  }
  return "changed";
}

char Mark(std::string_view kind) { return kind == "added" ? '+' : kind == "removed" ? '-' : '~'; }

const char* PresenceName(TableDiff::Presence presence) {
  switch (presence) {
    case TableDiff::Presence::kAfterOnly:
      return "new";
    case TableDiff::Presence::kBeforeOnly:
      return "gone";
    case TableDiff::Presence::kBoth:
      break;
  }
  return "";
}

std::string PointText(const DiffPoint& point) {
  return fmt::format("{}:{} ({}, {})", point.source, output::OneLine(point.name), output::HumanTime(point.time_us),
                     point.lsn.ToString());
}

std::string Shown(const std::optional<std::string>& value) {
  return value ? output::OneLine(Shortened(*value, kLongestShown)) : "NULL";
}

bool IsKey(const DiffRow& row, const std::string& column) {
  return std::count(row.key_columns.begin(), row.key_columns.end(), column) > 0;
}

std::string RowText(const DiffRow& row) {
  std::string text = fmt::format("  {} ", Mark(KindName(row.kind)));
  const auto& values = row.after.empty() ? row.before : row.after;
  for (size_t i = 0; i < row.columns.size(); ++i) {
    bool changed = row.kind == history::RowChange::Kind::kChanged && row.before[i] != row.after[i];
    // A changed row shows its key and the columns that differ.
    if (row.kind == history::RowChange::Kind::kChanged && !changed && !IsKey(row, row.columns[i])) continue;
    text += fmt::format(" {}={}", output::OneLine(row.columns[i]),
                        changed ? fmt::format("{} → {}", Shown(row.before[i]), Shown(row.after[i])) : Shown(values[i]));
  }
  return text + "\n";
}

std::string RowsText(const DiffRows& rows) {
  std::string text;
  for (const DiffTableRows& table : rows.tables) {
    text += fmt::format("\n{}\n", output::OneLine(table.table));
    for (const DiffRow& row : table.rows) text += RowText(row);
    const uint64_t missing = table.total - table.rows.size();
    if (missing > 0) text += fmt::format("  and {}\n", output::Counted(missing, "more row", "more rows"));
  }
  if (rows.total() > rows.shown()) {
    text += fmt::format("\n{} of {} are shown: --limit N shows more, --table NAME those of one table.\n",
                        output::HumanCount(rows.shown()), output::Counted(rows.total(), "row", "rows"));
  }
  return text;
}

std::string DiffTablesText(const SnapshotDiff& diff) {
  if (diff.tables.empty()) return "No row differs.\n";
  size_t width = 0;
  for (const TableDiff& table : diff.tables) width = std::max(width, output::DisplayWidth(output::OneLine(table.name)));
  std::string text =
      fmt::format("  {}  {:>12}  {:>12}  {:>12}\n", output::PadRight("", width), "added", "removed", "changed");
  for (const TableDiff& table : diff.tables) {
    std::string note = PresenceName(table.presence);
    if (!table.renamed_from.empty()) note = "was " + output::OneLine(table.renamed_from);
    text += fmt::format("  {}  {:>12}  {:>12}  {:>12}{}\n", output::PadRight(output::OneLine(table.name), width),
                        output::HumanCount(table.rows.added), output::HumanCount(table.rows.removed),
                        output::HumanCount(table.rows.changed), note.empty() ? "" : "  " + note);
  }
  return text;
}

output::Json ValuesJson(const DiffRow& row, const std::vector<std::optional<std::string>>& values) {
  if (values.empty()) return {};
  output::Json document = output::Json::object();
  for (size_t i = 0; i < row.columns.size(); ++i) {
    document[row.columns[i]] = values[i] ? output::Json(*values[i]) : output::Json();
  }
  return document;
}

output::Json RowJson(const DiffRow& row) {
  output::Json document{{"table", row.table}, {"kind", KindName(row.kind)}, {"key", row.key_columns}};
  document["changed_columns"] = output::Json::array();
  if (row.kind == history::RowChange::Kind::kChanged) {
    for (size_t i = 0; i < row.columns.size(); ++i) {
      if (row.before[i] != row.after[i]) document["changed_columns"].push_back(row.columns[i]);
    }
  }
  document["before"] = ValuesJson(row, row.before);
  document["after"] = ValuesJson(row, row.after);
  return document;
}

output::Json PointJson(const DiffPoint& point) {
  return output::Json{{"source", point.source},
                      {"point", point.name},
                      {"lsn", point.lsn.ToString()},
                      {"source_time", output::IsoTime(point.time_us)}};
}

output::Json TableJson(const TableDiff& table) {
  output::Json columns = output::Json::object();
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.rows.changed_columns[i] > 0) columns[table.columns[i]] = table.rows.changed_columns[i];
  }
  const char* presence = PresenceName(table.presence);
  return output::Json{{"table", table.name},
                      {"state", *presence == '\0' ? "both" : presence},
                      {"renamed_from", table.renamed_from.empty() ? output::Json() : output::Json(table.renamed_from)},
                      {"added", table.rows.added},
                      {"removed", table.rows.removed},
                      {"changed", table.rows.changed},
                      {"changed_columns", columns}};
}

output::Json StepJson(const history::TimelineStep& step) {
  output::Json rows = output::Json::object();
  for (const auto& [table, count] : step.rows) rows[table] = count;
  return output::Json{{"from", output::IsoTime(step.begin_us)},
                      {"to", output::IsoTime(step.end_us)},
                      {"transactions", step.transactions},
                      {"rows", rows}};
}

}  // namespace

std::string DiffText(const SnapshotDiff& diff, const DiffRows* rows) {
  std::string text = fmt::format("From {}\n  to {}{}\n\n", PointText(diff.before), PointText(diff.after),
                                 diff.logged ? ": " + output::Counted(diff.transactions, "transaction", "transactions")
                                 : diff.one_history ? ""
                                                    : ", of two histories");
  text += DiffTablesText(diff);
  if (!diff.schema.empty()) text += "\nSchema\n";
  for (const schema::SchemaChange& change : diff.schema) {
    text += fmt::format("  {} {}\n", Mark(KindName(change.kind)), output::OneLine(change.object));
  }
  if (rows != nullptr) text += RowsText(*rows);
  return text;
}

output::Json SchemaChangesJson(const std::vector<schema::SchemaChange>& changes) {
  output::Json list = output::Json::array();
  for (const schema::SchemaChange& change : changes) {
    list.push_back(output::Json{{"object", change.object},
                                {"kind", KindName(change.kind)},
                                {"before", change.before.empty() ? output::Json() : output::Json(change.before)},
                                {"after", change.after.empty() ? output::Json() : output::Json(change.after)}});
  }
  return list;
}

output::Json DiffJson(const SnapshotDiff& diff, const DiffRows* rows) {
  output::Json document{{"before", PointJson(diff.before)},
                        {"after", PointJson(diff.after)},
                        {"one_history", diff.one_history},
                        {"transactions", diff.logged ? output::Json(diff.transactions) : output::Json()}};
  document["tables"] = output::Json::array();
  std::map<std::string, size_t> shown;
  if (rows != nullptr) {
    for (const DiffTableRows& table : rows->tables) shown[table.table] = table.rows.size();
  }
  for (const TableDiff& table : diff.tables) {
    document["tables"].push_back(TableJson(table));
    if (rows != nullptr) document["tables"].back()["rows_shown"] = shown[table.name];
  }
  document["schema"] = SchemaChangesJson(diff.schema);
  document["timeline"] = output::Json::array();
  for (const history::TimelineStep& step : diff.timeline) {
    if (step.transactions > 0 || !step.rows.empty()) document["timeline"].push_back(StepJson(step));
  }
  if (rows != nullptr) {
    document["rows"] = output::Json::array();
    for (const DiffTableRows& table : rows->tables) {
      for (const DiffRow& row : table.rows) document["rows"].push_back(RowJson(row));
    }
    document["rows_total"] = rows->total();
  }
  return document;
}

}  // namespace rotv::report
