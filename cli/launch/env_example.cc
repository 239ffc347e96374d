#include "cli/launch/env_example.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <sstream>

#include "os/text_file.h"
#include "storage/ascii_case.h"
#include "storage/error.h"
#include "storage/trimmed.h"

namespace rotv::launch {
namespace {

bool IsName(std::string_view text) {
  auto letter = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) == 0 &&
         std::all_of(text.begin(), text.end(), letter);
}

// Returns NAME for "NAME=value" and "export NAME=value"; nothing for other lines.
std::optional<std::string> AssignedName(std::string_view line) {
  size_t equals = line.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  std::string_view name = Trimmed(line.substr(0, equals));
  if (name.starts_with("export ")) name = Trimmed(name.substr(7));
  if (!IsName(name)) return std::nullopt;
  return std::string(name);
}

struct NamedFile {
  std::string name;
  std::filesystem::path path;
};

std::vector<NamedFile> Places(const std::filesystem::path& directory, const std::string& name) {
  return {{name, directory / name}, {"backend/" + name, directory / "backend" / name}};
}

void ReadFiles(const std::vector<NamedFile>& places, const config::EnvFiles& files, EnvironmentReport* report) {
  for (const NamedFile& place : places) {
    const std::optional<os::Environment>& variables = files.Read(place.path);
    if (!variables) continue;
    report->files.push_back(place.name);
    report->variables.insert(variables->begin(), variables->end());  // The first file that sets a variable wins.
  }
}

std::vector<WantedVariable> ReadExamples(const std::filesystem::path& directory, EnvironmentReport* report) {
  std::vector<WantedVariable> wanted;
  for (const NamedFile& place : Places(directory, ".env.example")) {
    std::optional<std::string> text = os::ReadTextFile(place.path);
    if (!text) continue;
    report->examples.push_back(place.name);
    for (WantedVariable& variable : ParseEnvExample(*text)) wanted.push_back(std::move(variable));
  }
  return wanted;
}

}  // namespace

std::vector<WantedVariable> ParseEnvExample(std::string_view text) {
  std::vector<WantedVariable> wanted;
  std::istringstream lines{std::string(text)};
  bool optional_next = false;
  for (std::string whole; std::getline(lines, whole);) {
    std::string_view line = Trimmed(whole);
    bool comment = line.starts_with('#');
    if (comment) line = Trimmed(line.substr(1));
    std::optional<std::string> name = AssignedName(line);
    if (name) {
      bool empty = Trimmed(line.substr(line.find('=') + 1)).empty();
      wanted.push_back({*name, !comment && !optional_next && !empty});
    }
    optional_next = comment && AsciiLower(line).starts_with("optional");
  }
  return wanted;
}

bool IsPlaceholder(std::string_view value) {
  constexpr std::array kStarts = {"change-this", "change_this", "changeme", "change-me", "change_me", "replace-",
                                  "replace_",    "your-",       "your_",    "<",         "todo",      "xxx"};
  std::string lower = AsciiLower(Trimmed(value));
  return std::any_of(kStarts.begin(), kStarts.end(), [&](const char* start) { return lower.starts_with(start); });
}

EnvironmentReport ReadAppEnvironment(const std::filesystem::path& directory, const std::string& env_file,
                                     const os::Environment& environment, const config::EnvFiles& files) {
  EnvironmentReport report;
  ReadFiles(env_file.empty() ? Places(directory, ".env") : std::vector<NamedFile>{{env_file, env_file}}, files,
            &report);
  if (!env_file.empty() && report.files.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("there is no file {}", env_file),
                "\"env_file\" in [app] of rotv.toml names it: correct it, or leave it out to use .env");
  }
  for (const WantedVariable& wanted : ReadExamples(directory, &report)) {
    if (std::string value = os::Variable(environment, wanted.name); !value.empty())
      report.variables[wanted.name] = value;
    auto found = report.variables.find(wanted.name);
    if (found != report.variables.end() && IsPlaceholder(found->second)) {
      report.placeholders.push_back(wanted.name);
    } else if (found == report.variables.end() || (wanted.required && found->second.empty())) {
      (wanted.required ? report.missing : report.optional).push_back(wanted.name);
    }
  }
  return report;
}

void RequireUsable(const EnvironmentReport& report) {
  if (report.usable()) return;
  std::string example = report.examples.front();
  if (report.files.empty()) {
    std::string file = example.substr(0, example.size() - std::string_view(".example").size());
    throw Error(ErrorCode::kUsage,
                fmt::format("there is no {}, and {} requires {}", file, example, fmt::join(report.missing, ", ")),
                fmt::format("cp {} {}, and fill it in", example, file));
  }
  std::string what;
  if (!report.missing.empty()) what = fmt::format("{} not set", fmt::join(report.missing, ", "));
  if (!report.placeholders.empty()) {
    what += fmt::format("{}{} still the example's placeholder", what.empty() ? "" : "; ",
                        fmt::join(report.placeholders, ", "));
  }
  throw Error(ErrorCode::kUsage, fmt::format("{}: {}", fmt::join(report.files, ", "), what),
              fmt::format("fill it in as {} says; rotv validate-env checks it", example));
}

}  // namespace rotv::launch
