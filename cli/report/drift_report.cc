#include "cli/report/drift_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "cli/output/format.h"

namespace rotv::report {
namespace {

constexpr const char* kMigrations = "migrations";

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(std::string(std::min(line.find_first_not_of(' '), line.size()), ' ') + output::OneLine(line));
  }
  return lines;
}

// Returns the lines of `text` that the other text does not have, at most six: of a function of a hundred lines, only
// the line that differs is of interest.
std::vector<std::string> OwnLines(const std::string& text, const std::string& other) {
  constexpr size_t kMost = 6;
  std::vector<std::string> own = Lines(text), others = Lines(other);
  if (own.size() > 1 || others.size() > 1) {
    std::erase_if(own, [&](const std::string& line) {
      return std::find(others.begin(), others.end(), line) != others.end() ||
             line.find_first_not_of(' ') == std::string::npos;
    });
  }
  if (own.size() > kMost) {
    size_t more = own.size() - kMost;
    own.resize(kMost);
    own.push_back(fmt::format("and {} more", output::Counted(more, "line", "lines")));
  }
  return own;
}

std::string OnlyText(const std::string& where, const std::vector<drift::SchemaObject>& objects) {
  if (objects.empty()) return "";
  std::string text = fmt::format("\nOnly in {} ({})\n", where, objects.size());
  for (const drift::SchemaObject& object : objects) {
    // A long definition is in the SQL sketch.
    std::vector<std::string> definition = Lines(object.definition);
    bool shown = definition.size() == 1 && object.kind != "function" && object.kind != "procedure";
    text += fmt::format("  {}{}\n", output::OneLine(object.Label()), shown ? ": " + definition[0] : "");
  }
  return text;
}

std::string ChangedText(const std::string& source, const std::vector<drift::ChangedObject>& changes) {
  if (changes.empty()) return "";
  const size_t width = std::max(output::DisplayWidth(source), output::DisplayWidth(kMigrations));
  std::string text = fmt::format("\nDifferent ({})\n", changes.size());
  for (const auto& [before, after] : changes) {
    text += fmt::format("  {}\n", output::OneLine(before.Label()));
    auto side = [&](const std::string& name, const std::string& own, const std::string& other) {
      std::string label = name;
      for (const std::string& line : OwnLines(own, other)) {
        text += fmt::format("    {}  {}\n", output::PadRight(label, width), line);
        label.clear();
      }
      if (!label.empty()) text += fmt::format("    {}  (no line of its own)\n", output::PadRight(label, width));
    };
    side(source, before.definition, after.definition);
    side(kMigrations, after.definition, before.definition);
  }
  return text;
}

std::string SketchText(const std::string& title, const std::vector<std::string>& statements,
                       const output::TextStyle& style) {
  if (statements.empty()) return "";
  std::string text = "\n" + output::Coloured("-- " + title, output::Colour::kFaint, style) + "\n";
  for (const std::string& statement : statements) {
    for (const std::string& line : Lines(statement)) text += line + "\n";
  }
  return text;
}

std::string SqlOf(const std::vector<std::string>& statements) {
  std::string sql;
  for (const std::string& statement : statements) sql += statement + "\n";
  return sql;
}

output::Json ObjectsJson(const std::vector<drift::SchemaObject>& objects) {
  output::Json list = output::Json::array();
  for (const drift::SchemaObject& object : objects) {
    list.push_back(output::Json{{"kind", object.kind}, {"name", object.name}, {"definition", object.definition}});
  }
  return list;
}

}  // namespace

std::string DriftText(const migrations::DriftCheck& check, const std::string& source, const output::TextStyle& style) {
  const drift::SchemaDrift& drift = check.drift;
  std::string sides = fmt::format("{} as it was at {} ({}), and {}", source, check.point.lsn.ToString(),
                                  output::HumanTime(check.point.time_us), output::OneLine(check.migrations));
  std::string ignored = drift.ignored > 0 ? fmt::format(" ({} ignored)", drift.ignored) : "";
  if (drift.empty()) return fmt::format("The schemas are equal{}: {}.\n", ignored, sides);
  return fmt::format("The schemas differ{}: {}.\n", ignored, sides) + OnlyText(source, drift.only_before) +
         OnlyText("the migrations", drift.only_after) + ChangedText(source, drift.changed) +
         SketchText(fmt::format("A new migration that would build what {} has:", source), drift.to_before, style) +
         SketchText(fmt::format("Statements that would change {} to what the migrations build:", source),
                    drift.to_after, style) +
         // The counts come last, because the end of a long output is what stays on the screen.
         fmt::format("\n{}.\n", migrations::DriftCounts(drift, source));
}

output::Json DriftJson(const migrations::DriftCheck& check, const std::string& source) {
  const drift::SchemaDrift& drift = check.drift;
  output::Json document{{"equal", drift.empty()},
                        {"source", source},
                        {"lsn", check.point.lsn.ToString()},
                        {"source_time", output::IsoTime(check.point.time_us)},
                        {"migrations", check.migrations},
                        {"only_in_source", ObjectsJson(drift.only_before)},
                        {"only_in_migrations", ObjectsJson(drift.only_after)}};
  document["different"] = output::Json::array();
  for (const auto& [before, after] : drift.changed) {
    document["different"].push_back(output::Json{
        {"kind", before.kind}, {"name", before.name}, {"source", before.definition}, {"migrations", after.definition}});
  }
  document["ignored"] = drift.ignored;
  document["sql_for_migrations"] = SqlOf(drift.to_before);
  document["sql_for_source"] = SqlOf(drift.to_after);
  return document;
}

}  // namespace rotv::report
