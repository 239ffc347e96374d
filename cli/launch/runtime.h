// What an application and its database run in: a container of Podman or Docker, or plain processes of this machine.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/config/app_config.h"
#include "cli/launch/application_environment.h"
#include "os/environment.h"
#include "storage/interrupt.h"

namespace rotv::launch {

// A directory of this machine that is there for reading, in a container under another name.
struct SharedDirectory {
  std::filesystem::path path;
  std::string target;  // Absolute.
};

struct LaunchRequest {
  std::filesystem::path seed;            // Empty: none is needed, the persistent cluster is there.
  std::filesystem::path persistent_dir;  // Of the cluster; empty: on tmpfs, gone at stop.
  uint64_t tmpfs_bytes = 0;
  std::filesystem::path prepared_dir;  // Of PreparedClusters; empty: none are used or made.
  os::Environment prepared;            // For the entrypoint: those that fit.
  std::filesystem::path app_directory;
  std::string app_command;     // Empty: what package.json says.
  bool database_only = false;  // No application is started, and none of this machine's network is there.
  int lifetime_seconds = 0;    // It ends by itself then; 0: never.
  std::vector<SharedDirectory> shared;
  std::string image;
  std::string database;
  std::set<std::string> roles;     // That the seed names; none with a line break.
  bool trust = false;              // The seed's code may run as a superuser of the database.
  bool superuser = false;          // The application's role is one, once the seed is imported.
  std::string admin;               // Another role that is one then, for code that is not the seed's; empty: none.
  int port = 0;                    // On 127.0.0.1; not used with database_only.
  os::Environment environment;     // The application's; may hold secrets.
  config::EnvironmentRules rules;  // For it.
};

enum class RunState { kNone, kStarting, kRunning, kEnded };

// Everything here is of one home directory: another one's application is never touched. A runtime may be used by one
// thread at a time, but for FollowLog(). Commands given as words are to be run as they are, without a shell.
class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual std::string name() const = 0;      // "podman", "docker", "local".
  virtual std::string Describe() const = 0;  // For people: "podman 4.3.1".

  // Whether a persistent cluster is in `directory`, all of it: one whose first import did not end is not.
  virtual bool HasCluster(const std::filesystem::path& directory) const = 0;

  // Whether what a start needs is here. Throws, with what to do, kUsage where the image or the application's packages
  // are missing, kCannotStart where a program of this machine is, or does not work.
  virtual void CheckReady(const LaunchRequest& request) = 0;

  // Whether it is there: kRunning says that its main process lives, not that it answers.
  virtual RunState State() = 0;

  // Returns once it is started; it then tells in its log how far it is. Nothing of an earlier run may be there. Throws
  // kCannotStart if it cannot be started, and leaves nothing then.
  virtual void Start(const LaunchRequest& request) = 0;

  // Asks it to end, ends it by force after a while, and removes everything but its log and a persistent cluster. Does
  // nothing where nothing is there; cleans up what a killed start left. Throws kUsage if it cannot be removed.
  virtual void Stop() = 0;

  // Writes the log to stdout: all of it, and with `follow` goes on until the end of the application.
  virtual std::vector<std::string> LogCommand(bool follow) const = 0;
  // A shell where the application runs, whose variables say `database` and no other.
  virtual std::vector<std::string> ShellCommand(bool terminal, const OwnDatabase& database) const = 0;
  // The running database, as a program sees it that ShellCommand() runs.
  virtual OwnDatabase Database() const = 0;
  // Variables that the application inherits beside those that it is given.
  virtual os::Environment Inherited() const = 0;
  // Where it finds the application, and what is shared: under its own path or under its target.
  virtual std::string AppDirectory() const = 0;
  virtual std::string PlaceOf(const SharedDirectory& shared) const = 0;
  // Has the psql that imports the seed tell its version. Nothing need run; `image` as in the LaunchRequest.
  virtual std::vector<std::string> PsqlVersionCommand(const std::string& image) const = 0;
  // psql on the running database.
  virtual std::vector<std::string> PsqlCommand(const std::vector<std::string>& arguments, bool terminal) const = 0;
};

enum class RuntimeKind { kAny, kPodman, kDocker, kLocal };

// kAny: podman if it is there, else docker, else local. Throws kCannotStart if the one asked for is not there.
// `interrupt` outlives it.
std::unique_ptr<Runtime> ChooseRuntime(RuntimeKind kind, const std::filesystem::path& home,
                                       const config::AppConfig& app, const os::Environment& environment,
                                       const Interrupt& interrupt);

}  // namespace rotv::launch
