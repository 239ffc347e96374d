// Runs a server for the time of a check: one database with an imported schema or seed, and one for migrations.

#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/config/app_config.h"
#include "cli/launch/runtime.h"
#include "cli/output/progress_bar.h"
#include "os/process_environment.h"
#include "sync/context/database_facts.h"

namespace rotv::launch {

struct ScratchRequest {
  const std::filesystem::path& directory;  // HOME/scratch; only one check at a time uses it.
  const config::AppConfig& app;
  output::ProgressBar& progress;
  const Interrupt& interrupt;
  std::function<std::unique_ptr<Runtime>(const std::filesystem::path& home)> make_runtime;
  std::set<std::string> roles;   // The roles that the schema names.
  bool trust = false;            // The schema's code may run as a superuser.
  std::filesystem::path schema;  // SQL for the first database; may be compressed.
  std::vector<SharedDirectory> shared;
  uint64_t sql_bytes = 0;    // The size of the SQL, where it has rows.
  DatabaseFacts facts = {};  // Both databases are like the source's.
};

class ScratchServer {
 public:
  // On return the server runs, with the schema imported. Removes first whatever a killed one left. The caller holds the
  // directory's LaunchLock. Throws what Runtime::CheckReady() does; kCannotStart, with what to do, if it does not start
  // or the schema cannot be imported.
  explicit ScratchServer(const ScratchRequest& request);
  ~ScratchServer();  // Removes everything except the log.
  ScratchServer(const ScratchServer&) = delete;
  ScratchServer& operator=(const ScratchServer&) = delete;

  // Runs statements in a session of their own, as the role that imported the schema, and returns psql's output. Throws
  // kCannotStart with psql's message.
  std::string Ask(const std::string& database, const std::vector<std::string>& statements) const;

  // The name of the database of the migrations, and of the superuser that owns it. Migrations are the developer's own
  // code, and may create extensions. This role never connects to the database with the source's code.
  static constexpr const char* kMigrated = "rotv_migrations";
  void MakeMigratedDatabase() const;

  struct Outcome {
    int exit_status = 0;
    std::string output;  // The last 64 KiB of stdout and stderr.
  };
  // Runs files of a shared directory with psql, one after the other, each with a new session's settings. Ends at the
  // first error.
  Outcome RunFiles(const SharedDirectory& shared, const std::vector<std::filesystem::path>& files) const;
  // Runs a shell command in the application's directory, with PG* and DATABASE_URL for the database of the migrations.
  Outcome RunCommand(const std::string& command) const;

  const Runtime& runtime() const { return *runtime_; }

 private:
  std::string Psql(const std::vector<std::string>& more) const;
  Outcome Run(const std::vector<std::string>& words,
              const os::Environment& environment = os::HelperEnvironment()) const;

  const ScratchRequest request_;
  const std::unique_ptr<Runtime> runtime_;
};

}  // namespace rotv::launch
