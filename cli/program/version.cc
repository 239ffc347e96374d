#include "cli/program/version.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "sync/library_versions.h"

namespace rotv::program {
namespace {

std::string Compiler() {
#if defined(__clang__)
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
  return fmt::format("GCC {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#else
  return "";
#endif
}

constexpr const char* kNoCommit = "unknown (not built in a git checkout)";

}  // namespace

const char* ProgramVersion() { return ROTV_VERSION; }

std::string VersionText(const std::string& program, const Commit& commit) {
  std::string text = fmt::format("{} {}\n", program, ROTV_VERSION);
  text += *commit.id == '\0' ? fmt::format("commit: {}\n", kNoCommit)
                             : fmt::format("commit: {} of {}\n", commit.id, commit.date);
  text += fmt::format("build: {}, {}, {}\n", ROTV_BUILD, Compiler(), ROTV_PROCESSOR);
  std::string libraries;
  for (const LibraryVersion& library : LibraryVersions()) {
    libraries += fmt::format("{}{} {}", libraries.empty() ? "" : ", ", library.name, library.version);
  }
  return text + fmt::format("libraries: {}\n", libraries);
}

output::Json VersionJson(const std::string& program, const Commit& commit) {
  output::Json document{{"program", program}, {"version", ROTV_VERSION}};
  document["commit"] = *commit.id == '\0' ? output::Json() : output::Json(commit.id);
  document["commit_date"] = *commit.date == '\0' ? output::Json() : output::Json(commit.date);
  document["build"] = output::Json{{"type", ROTV_BUILD}, {"compiler", Compiler()}, {"processor", ROTV_PROCESSOR}};
  document["libraries"] = output::Json::object();
  for (const LibraryVersion& library : LibraryVersions()) document["libraries"][library.name] = library.version;
  return document;
}

}  // namespace rotv::program
