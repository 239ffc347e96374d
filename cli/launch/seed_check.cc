#include "cli/launch/seed_check.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <fstream>
#include <string_view>
#include <vector>

#include "cli/launch/launch_state.h"
#include "cli/launch/scratch_server.h"
#include "os/clock.h"
#include "os/postgres_programs.h"
#include "os/run_program.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

// As the entrypoint says it (entrypoint/import.sh).
constexpr std::string_view kCannotBeImported = "the seed cannot be imported: ";
constexpr size_t kPieceBytes = size_t{1} << 16;

// The line in "line 24: ERROR: ..."; 0 if there is none.
int64_t LineIn(std::string_view error) {
  constexpr std::string_view kLine = "line ";
  int64_t line = 0;
  if (error.starts_with(kLine)) std::from_chars(error.data() + kLine.size(), error.data() + error.size(), line);
  return line;
}

// Throws kInterrupted, and nothing else: the name only explains an error.
std::string ObjectAt(const std::filesystem::path& seed, int64_t line, const Interrupt& interrupt) {
  if (line <= 0) return "";
  ObjectAtLine object(line);
  const std::string extension = seed.extension();
  if (extension == ".zst" || extension == ".gz") {
    os::RunProgramShowing({extension == ".zst" ? "zstd" : "gzip", "-dc", seed}, interrupt,
                          [&](std::string_view piece) { object.Feed(piece); });
    return object.object();
  }
  std::ifstream file(seed, std::ios::binary);
  std::vector<char> piece(kPieceBytes);
  while (!object.found() && file) {
    interrupt.Check();
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    object.Feed({piece.data(), static_cast<size_t>(file.gcount())});
  }
  return object.object();
}

[[noreturn]] void ThrowNotImported(const SeedCheckRequest& request, const Error& error) {
  const std::string what = error.what();
  const std::string object =
      ObjectAt(request.seed, LineIn(what.substr(kCannotBeImported.size())), request.context.interrupt);
  throw Error(ErrorCode::kCorrupt, object.empty() ? what : fmt::format("{}, at {}", what, object), error.hint());
}

}  // namespace

double CheckSeedImports(const SeedCheckRequest& request) {
  const auto start = std::chrono::steady_clock::now();
  const std::filesystem::path directory = request.context.home / "scratch";
  std::filesystem::create_directories(directory);
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
  const LaunchLock lock(directory);
  // A container needs an image, which `rotv build` makes for the application.
  const RuntimeKind kind =
      os::FindPostgresPrograms(request.environment).empty() ? RuntimeKind::kAny : RuntimeKind::kLocal;
  try {
    const ScratchServer server({.directory = directory,
                                .app = request.app,
                                .progress = request.progress,
                                .interrupt = request.context.interrupt,
                                .make_runtime =
                                    [&](const std::filesystem::path& home) {
                                      return ChooseRuntime(kind, home, request.app, request.environment,
                                                           request.context.interrupt);
                                    },
                                .roles = request.roles,
                                .trust = request.context.source.trust,
                                .schema = std::filesystem::absolute(request.seed),
                                .shared = {},
                                .sql_bytes = request.sql_bytes,
                                .facts = request.facts});
  } catch (const Error& error) {
    if (!std::string_view(error.what()).starts_with(kCannotBeImported)) throw;
    ThrowNotImported(request, error);
  }
  return os::SecondsSince(start);
}

void ObjectAtLine::Feed(std::string_view text) {
  while (!found() && !text.empty()) {
    const size_t newline = text.find('\n');
    begun_.append(text.substr(0, newline));
    if (newline == std::string_view::npos) return;
    Take(begun_);
    begun_.clear();
    text.remove_prefix(newline + 1);
  }
}

void ObjectAtLine::Take(std::string_view line) {
  --left_;
  constexpr std::string_view kData = "-- Data for Name: ", kName = "-- Name: ";
  const bool is_data = line.starts_with(kData);
  if (!is_data && !line.starts_with(kName)) return;
  line.remove_prefix(is_data ? kData.size() : kName.size());
  const size_t type = line.find("; Type: ");
  const size_t schema = line.find("; Schema: ", type == std::string_view::npos ? 0 : type);
  const size_t owner = line.find("; Owner: ", schema == std::string_view::npos ? 0 : schema);
  if (type == std::string_view::npos || schema == std::string_view::npos || owner == std::string_view::npos) return;
  const std::string_view in = line.substr(schema + 10, owner - schema - 10);
  object_ = fmt::format("{} {}{}{}", line.substr(type + 8, schema - type - 8), in == "-" ? "" : in,
                        in == "-" ? "" : ".", line.substr(0, type));
}

}  // namespace rotv::launch
