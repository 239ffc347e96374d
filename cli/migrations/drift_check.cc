#include "cli/migrations/drift_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "cli/launch/launch_state.h"
#include "cli/launch/scratch_server.h"
#include "cli/migrations/migrations.h"
#include "cli/output/format.h"
#include "cli/output/output.h"
#include "os/run_program.h"
#include "os/text_file.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
#include "sync/schema_text.h"

namespace rotv::migrations {
namespace {

// Returns psql's first error: "psql:/tmp/migrations/002_x.sql:14: ERROR:  …", which names the file as it was given.
std::string FirstError(const std::string& output) {
  size_t error = output.find("ERROR:");
  if (error == std::string::npos) return os::LastLine(output);
  size_t start = output.rfind('\n', error);
  start = start == std::string::npos ? 0 : start + 1;
  return output.substr(start, output.find('\n', start) - start);
}

void Store(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.Write(text);
  file.Commit();
}

class RemovedAtEnd {
 public:
  explicit RemovedAtEnd(std::vector<std::filesystem::path> paths) : paths_(std::move(paths)) {}
  ~RemovedAtEnd() {
    std::error_code ignored;  // The next comparison writes them again.
    for (const std::filesystem::path& path : paths_) std::filesystem::remove_all(path, ignored);
  }
  RemovedAtEnd(const RemovedAtEnd&) = delete;
  RemovedAtEnd& operator=(const RemovedAtEnd&) = delete;

 private:
  const std::vector<std::filesystem::path> paths_;
};

class Comparison {
 public:
  // `point` is a name, or what one was resolved to.
  template <typename Point>
  Comparison(const DriftPlace& place, const Point& point) : place_(place), directory_(place.context.home / "scratch") {
    // Errors in the configuration are found here, before anything takes long.
    FindWhatMigrates();
    schema_ = ReadSchemaText(place.context, point);
  }

  DriftCheck Run() {
    DriftCheck check{.drift = {}, .point = schema_.point, .migrations = Migrations()};
    std::filesystem::create_directories(directory_);
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all);
    launch::LaunchLock lock(directory_);
    RemovedAtEnd files({directory_ / "schema.sql", directory_ / "migrations"});
    const std::filesystem::path schema = directory_ / "schema.sql";
    Store(schema, schema_.sql);
    CopyForServer();
    launch::ScratchServer server({.directory = directory_,
                                  .app = place_.app,
                                  .progress = place_.progress,
                                  .interrupt = place_.context.interrupt,
                                  .make_runtime = place_.make_runtime,
                                  .roles = Roles(),
                                  .trust = place_.context.source.trust,
                                  .schema = schema,
                                  .shared = shared_,
                                  .facts = Facts()});
    Migrate(server);
    check.drift =
        FindDrift(Read(server, place_.app.database), Read(server, launch::ScratchServer::kMigrated), Ignored());
    return check;
  }

  // Definitions are compared as a session shows them, which settings of one database would change.
  DatabaseFacts Facts() const {
    DatabaseFacts facts = schema_.facts;
    facts.settings.clear();
    return facts;
  }

  // A fingerprint of everything that the result depends on; empty if that cannot be known, as with a command.
  std::string Fingerprint() const {
    if (!place_.config.command.empty()) return "";
    std::string rest = schema_.sql;
    for (const std::string& pattern : place_.config.ignore) rest += "\n" + pattern;
    for (const std::string& role : place_.config.roles) rest += "\n" + role;
    return fmt::format("{:016x}{:016x}", MigrationsFingerprint(migrations_),
                       MigrationsFingerprint({{.path = "", .sql = rest}}));
  }

  const std::filesystem::path& directory() const { return directory_; }

 private:
  void FindWhatMigrates() {
    source_ = place_.config.migrations;
    if (source_.empty()) source_ = FindMigrations(place_.app.directory);
    if (!source_.empty()) {
      migrations_ = ReadMigrations(source_);
    } else if (place_.config.command.empty()) {
      throw Error(
          ErrorCode::kUsage, fmt::format("there are no migrations in {}", place_.app.directory.native()),
          "\"migrations\" in [schema] of rotv.toml names their directory, or \"command\" the program that runs them");
    }
  }

  std::string Migrations() const {
    if (!place_.config.command.empty()) return place_.config.command;
    return fmt::format("{} of {}", output::Counted(migrations_.size(), "file", "files"), source_.native());
  }

  // A command of the application finds the migrations at their usual place in the application's directory.
  void CopyForServer() {
    if (source_.empty()) return;
    const std::filesystem::path copy = directory_ / "migrations";
    CopyMigrations(source_, migrations_, copy);
    std::filesystem::path inside = source_.lexically_relative(place_.app.directory);
    bool of_application = !place_.config.command.empty() && !inside.empty() && *inside.begin() != "..";
    shared_ = {{.path = copy, .target = of_application ? ("/app" / inside).native() : "/tmp/migrations"}};
  }

  void Migrate(const launch::ScratchServer& server) {
    server.MakeMigratedDatabase();
    place_.progress.Begin("running the migrations", Progress::Unit::kItems, 0);
    launch::ScratchServer::Outcome outcome;
    if (place_.config.command.empty()) {
      std::vector<std::filesystem::path> files;
      for (const Migration& migration : migrations_) files.push_back(migration.path);
      outcome = server.RunFiles(shared_.front(), files);
    } else {
      outcome = server.RunCommand(place_.config.command);
    }
    place_.progress.End();
    if (outcome.exit_status == 0) return;
    if (!place_.config.command.empty()) FailOnCommand(outcome);
    FailOnFile(FirstError(outcome.output), server.runtime().PlaceOf(shared_.front()));
  }

  [[noreturn]] void FailOnCommand(const launch::ScratchServer::Outcome& outcome) const {
    throw Error(ErrorCode::kUsage,
                fmt::format("\"{}\" ended with status {}: {}", place_.config.command, outcome.exit_status,
                            os::LastLine(outcome.output)),
                "it runs in the application's directory, on an empty database that PGHOST, PGDATABASE and DATABASE_URL "
                "name; in a container, the application is the one that rotv build has put there");
  }

  [[noreturn]] static void FailOnFile(std::string error, const std::string& directory) {
    const std::string prefix = "psql:" + directory + "/";
    if (error.starts_with(prefix)) error.erase(0, prefix.size());
    std::string hint = "correct the migration: it has to run on an empty database";
    if (error.find("role \"") != std::string::npos && error.find("does not exist") != std::string::npos) {
      hint = "name the roles that migrations need in [schema] of rotv.toml: roles = [\"NAME\"]";
    } else if (error.find("extension") != std::string::npos) {
      hint = "the server that the comparison runs on needs this extension: install it there, or build an image with it";
    }
    throw Error(ErrorCode::kUsage, fmt::format("the migrations fail: {}", error), hint);
  }

  std::set<std::string> Roles() const {
    std::set<std::string> roles = schema_.roles;
    roles.insert(place_.config.roles.begin(), place_.config.roles.end());
    return roles;
  }

  static std::vector<drift::SchemaObject> Read(const launch::ScratchServer& server, const std::string& database) {
    return drift::ParseSchema(server.Ask(database, {"SET search_path = ''", std::string(drift::SchemaQuery())}));
  }

  std::vector<std::string> Ignored() const {
    std::vector<std::string> ignored = place_.config.ignore;
    for (std::string& pattern : MigrationBookkeeping()) ignored.push_back(std::move(pattern));
    return ignored;
  }

  const DriftPlace& place_;
  const std::filesystem::path directory_;
  std::filesystem::path source_;  // The directory of the migrations; empty if only a command knows it.
  std::vector<Migration> migrations_;
  std::vector<launch::SharedDirectory> shared_;  // Their copy.
  SchemaText schema_;
};

std::string Sentence(const DriftCheck& check, const std::string& source) {
  if (check.drift.empty()) return "";
  return fmt::format("the schema of {} and the application's migrations differ ({}): rotv validate-schema shows how",
                     source, DriftCounts(check.drift, source));
}

// Returns the warning of the last comparison, if it was made for the same fingerprint.
std::optional<std::string> ReadFound(const std::filesystem::path& path, const std::string& fingerprint) {
  std::optional<std::string> text = os::ReadTextFile(path);
  if (!text || fingerprint.empty()) return std::nullopt;
  output::Json found = output::Json::parse(*text, nullptr, false);
  if (!found.is_object() || found.value("fingerprint", "") != fingerprint) return std::nullopt;
  return found.value("warning", "");
}

}  // namespace

std::string DriftCounts(const drift::SchemaDrift& drift, const std::string& source) {
  std::vector<std::string> counts;
  if (!drift.only_before.empty()) counts.push_back(fmt::format("{} only in {}", drift.only_before.size(), source));
  if (!drift.only_after.empty()) counts.push_back(fmt::format("{} only in the migrations", drift.only_after.size()));
  if (!drift.changed.empty()) counts.push_back(fmt::format("{} different", drift.changed.size()));
  return fmt::format("{}", fmt::join(counts, ", "));
}

std::string DriftWarning(const DriftPlace& place, const history::ResolvedPoint& point) {
  Comparison comparison(place, point);
  const std::string fingerprint = comparison.Fingerprint();
  const std::filesystem::path path = comparison.directory() / "found.json";
  if (std::optional<std::string> found = ReadFound(path, fingerprint)) return *found;
  std::string warning = Sentence(comparison.Run(), place.context.source.name);
  Store(path, output::Json{{"fingerprint", fingerprint}, {"warning", warning}}.dump());
  return warning;
}

DriftCheck CheckDrift(const DriftPlace& place, const std::string& snapshot) {
  return Comparison(place, snapshot).Run();
}

}  // namespace rotv::migrations
