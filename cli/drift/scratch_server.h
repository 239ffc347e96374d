// A server that lives as long as a comparison: one database with a schema that is imported, and others beside it.

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

namespace rotv::drift {

struct ScratchRequest {
  const std::filesystem::path& directory;  // HOME/scratch: of the running comparison alone.
  const config::AppConfig& app;
  output::ProgressBar& progress;
  const Interrupt& interrupt;
  std::function<std::unique_ptr<launch::Runtime>(const std::filesystem::path& home)> make_runtime;
  std::set<std::string> roles;   // That it names.
  bool trust = false;            // Its code may run as a superuser.
  std::filesystem::path schema;  // SQL for the first database.
  std::vector<launch::SharedDirectory> shared;
};

class ScratchServer {
 public:
  // On return the server runs, with the schema in it. What a killed one left is removed before. The caller holds the
  // directory's LaunchLock. Throws what Runtime::CheckReady() does; kCannotStart, with what to do, if it does not start
  // or the schema cannot be imported.
  explicit ScratchServer(const ScratchRequest& request);
  ~ScratchServer();  // Everything is gone, but the log.
  ScratchServer(const ScratchServer&) = delete;
  ScratchServer& operator=(const ScratchServer&) = delete;

  // What psql writes for statements, in a session of their own, as the role that the schema was imported as. Throws
  // kCannotStart with its words.
  std::string Ask(const std::string& database, const std::vector<std::string>& statements) const;

  // The database of the migrations, and the superuser that owns it: they are the developer's own, and may make
  // extensions. It never looks into the database that has the source's code.
  static constexpr const char* kMigrated = "rotv_migrations";
  void MakeMigratedDatabase() const;

  struct Outcome {
    int exit_status = 0;
    std::string output;  // The last 64 KiB of what it wrote, errors and all.
  };
  // Files of a shared directory by psql, one after the other, each as a new session would; ends at the first error.
  Outcome RunFiles(const launch::SharedDirectory& shared, const std::vector<std::filesystem::path>& files) const;
  // A command of the shell where the application is, with PG* and DATABASE_URL for the database.
  Outcome RunCommand(const std::string& command) const;

  const launch::Runtime& runtime() const { return *runtime_; }

 private:
  std::string Psql(const std::vector<std::string>& more) const;
  Outcome Run(const std::vector<std::string>& words,
              const os::Environment& environment = os::HelperEnvironment()) const;

  const ScratchRequest request_;
  const std::unique_ptr<launch::Runtime> runtime_;
};

}  // namespace rotv::drift
