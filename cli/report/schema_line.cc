#include "cli/report/schema_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "cli/output/format.h"
#include "cli/output/terminal.h"

namespace rotv::report {
namespace {

constexpr size_t kMostObjects = 10;
constexpr size_t kMostLines = 3;

// Splits a statement into lines without indent and comma: in CREATE TABLE each column is on a line of its own.
std::vector<std::string> ChangeLines(const std::string& statement) {
  std::vector<std::string> lines;
  std::istringstream in(statement);
  for (std::string line; std::getline(in, line);) {
    line.erase(0, std::min(line.find_first_not_of(' '), line.size()));
    line.erase(line.find_last_not_of(" ,;") + 1);
    if (!line.empty()) lines.push_back(output::OneLine(line));
  }
  return lines;
}

void AddOwn(char mark, const std::vector<std::string>& lines, const std::vector<std::string>& others,
            std::vector<std::string>& own) {
  for (const std::string& line : lines) {
    if (std::find(others.begin(), others.end(), line) == others.end()) own.push_back(mark + line);
  }
}

std::string Details(const schema::SchemaChange& change) {
  if (change.kind == schema::SchemaChange::Kind::kAdded) return "new";
  if (change.kind == schema::SchemaChange::Kind::kRemoved) return "gone";
  std::vector<std::string> before = ChangeLines(change.before), after = ChangeLines(change.after), own;
  AddOwn('+', after, before, own);
  AddOwn('-', before, after, own);
  if (own.empty() || own.size() > kMostLines) return "changed";
  return fmt::format("{}", fmt::join(own, ", "));
}

}  // namespace

std::string SchemaLine(const std::vector<schema::SchemaChange>& changes) {
  std::vector<std::string> objects;
  for (const schema::SchemaChange& change : changes) {
    if (objects.size() == kMostObjects) break;
    objects.push_back(fmt::format("{} ({})", output::OneLine(change.object), Details(change)));
  }
  std::string line = fmt::format("{}", fmt::join(objects, ", "));
  if (changes.size() > kMostObjects) line += fmt::format(" and {} more", changes.size() - kMostObjects);
  return line;
}

}  // namespace rotv::report
