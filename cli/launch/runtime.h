// The interface to whatever runs an application and its database: a container of Podman or Docker, or plain processes.

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
#include "cli/launch/warm_manifest.h"
#include "os/environment.h"
#include "storage/error.h"
#include "storage/interrupt.h"

namespace rotv::launch {

// A directory of this machine that can be read there, in a container under another path.
struct SharedDirectory {
  std::filesystem::path path;
  std::string target;  // Absolute.
};

// How a start gets its own files of a warm cluster.
enum class Clone {
  kCopy,     // By copying them, or by reflinks where the file system has these.
  kOverlay,  // Its changes go into a layer of their own. Where that does not work, kCopy.
};

// What a start has to do with warm clusters (warm_clusters.h, entrypoint/warm.sh). Empty: nothing.
struct WarmRequest {
  std::filesystem::path cluster;  // The one that it starts from; no seed is needed then.
  std::vector<WarmFile> files;    // What is in it, for a runtime that copies it by itself.
  std::string server;             // For which server that was made.
  std::filesystem::path lock;     // Held shared as long as anything runs that was made from it.
  Clone clone = Clone::kCopy;
  std::filesystem::path carry;       // SQL that brings it to the wanted state; empty: it has it.
  std::filesystem::path carry_pipe;  // Has a line when that file is complete; empty: it is.
  std::filesystem::path empty;       // The one into which a seed is imported, so that no initdb is needed.
  std::string empty_server;
  std::filesystem::path pipes;  // A directory with a pipe for each cluster that may be sent.
};

struct LaunchRequest {
  std::filesystem::path seed;            // Empty: none is needed, a persistent cluster exists or a warm one is used.
  std::filesystem::path persistent_dir;  // The cluster's directory; empty: on tmpfs, gone at stop.
  uint64_t tmpfs_bytes = 0;
  WarmRequest warm;
  std::filesystem::path app_directory;
  std::string app_command;      // Empty: the one in package.json.
  bool database_only = false;   // No application is started; without a database_port there is no network.
  int lifetime_seconds = 0;     // It ends by itself after that; 0: never.
  std::filesystem::path owner;  // It ends by itself when nobody holds this file's lock (flock); empty: never.
  std::vector<SharedDirectory> shared;
  std::string image;
  std::filesystem::path project;                   // The image must be of this project's directory; empty: any will do.
  config::Restart restart = config::Restart::kNo;  // Only with `persistent_dir`.
  std::string database;
  std::set<std::string> roles;     // The roles that the seed names; no name has a line break.
  os::Environment twin;            // TwinVariables(); may hold secrets.
  bool trust = false;              // The seed's code may run as a superuser of the database.
  bool superuser = false;          // The application's role becomes one after the import.
  std::string admin;               // Another role that becomes one then, for code that is not the seed's; empty: none.
  int port = 0;                    // On 127.0.0.1; not used with database_only.
  int database_port = 0;           // On 127.0.0.1; 0: it has none.
  std::string database_password;   // Asked for over TCP; empty: none is.
  os::Environment environment;     // The application's; may hold secrets.
  config::EnvironmentRules rules;  // The rules for it.
};

// Which part of a log is wanted.
struct LogView {
  bool follow = false;   // And what comes, until the application ends.
  int64_t since_us = 0;  // What was written since this Unix time, and perhaps a little before; 0: all.
};

// The runtime cannot make an overlay of a warm cluster; with a copy it may start.
class CloneRefused : public Error {
 public:
  explicit CloneRefused(const std::string& why) : Error(ErrorCode::kCannotStart, why, "clone = \"copy\" in [app]") {}
};

enum class RunState { kNone, kStarting, kRunning, kEnded };

// A runtime belongs to one place (project.h): an application of another one is never touched. One thread at a time may
// use it, but for PsqlCommand(). Commands are returned as words, to be run as they are, without a shell.
class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual std::string name() const = 0;      // "podman", "docker", "local".
  virtual std::string Describe() const = 0;  // For people: "podman 4.3.1".

  // Asks at once what Describe(), State() and CheckReady() ask, for a start with this image. Each of them uses the
  // answer the next time it is called, so nothing may have been changed in between.
  virtual void LookAhead(const std::string& /*image*/) {}

  // True if the server's files can be read and written here: then Start() itself copies a warm cluster, and finds by
  // that whether its bytes are what was written.
  virtual bool HasFilesHere() const { return false; }
  // Where they are, after Start(); empty if they are not here.
  virtual std::filesystem::path ClusterDirectory() const { return {}; }

  // True if `directory` holds a complete persistent cluster: one whose first import did not finish is not complete.
  virtual bool HasCluster(const std::filesystem::path& directory) const = 0;

  // Checks that everything a start needs is installed. Throws, with what to do, kUsage if the image or the
  // application's packages are missing, kCannotStart if a program of this machine is missing or does not work.
  virtual void CheckReady(const LaunchRequest& request) = 0;

  // kRunning says that the main process is alive, not that the application answers.
  virtual RunState State() = 0;

  // Returns once the main process is started; from then on the log says how far it is. Nothing of an earlier run may be
  // left. Throws kCannotStart if it cannot be started, CloneRefused if that is the overlay's fault, and then leaves
  // nothing.
  virtual void Start(const LaunchRequest& request) = 0;

  // Asks the main process to end, kills it after a timeout, and removes everything except the log and a persistent
  // cluster. Does nothing if nothing runs; cleans up after a killed start. Throws kUsage if it cannot be removed.
  virtual void Stop() = 0;

  // The same, before a Start() of this object, which may then reuse files of the database: those that nobody has
  // changed are as clean as copies of them.
  virtual void StopForNext() { Stop(); }

  // The command that writes the log, to stdout or stderr as the application did.
  virtual std::vector<std::string> LogCommand(const LogView& view) const = 0;
  // The command of a shell where the application runs. Its variables name `database` and no other.
  virtual std::vector<std::string> ShellCommand(bool terminal, const OwnDatabase& database) const = 0;
  // The command that asks the running entrypoint for something and waits until it is done (entrypoint/request). It may
  // have a standard input.
  virtual std::vector<std::string> RequestCommand(const std::string& verb) const = 0;
  // The running database, as seen by programs in ShellCommand()'s shell.
  virtual OwnDatabase Database() const = 0;
  // The variables that the application inherits in addition to those of the request.
  virtual os::Environment Inherited() const = 0;
  // The paths at which it finds the application's directory and a shared one: their own path, or their target.
  virtual std::string AppDirectory() const = 0;
  virtual std::string PlaceOf(const SharedDirectory& shared) const = 0;
  // The command that prints the version of the psql that imports the seed. Nothing needs to run; `image` is that of the
  // LaunchRequest.
  virtual std::vector<std::string> PsqlVersionCommand(const std::string& image) const = 0;
  // The command of psql on the running database.
  virtual std::vector<std::string> PsqlCommand(const std::vector<std::string>& arguments, bool terminal) const = 0;
};

// "no", "on-failure", "always".
const char* RestartName(config::Restart restart);

enum class RuntimeKind { kAny, kPodman, kDocker, kLocal };

// kAny chooses podman if it is installed, else docker, else local. Throws kCannotStart if the runtime that was asked
// for is not installed. `interrupt` outlives the result.
std::unique_ptr<Runtime> ChooseRuntime(RuntimeKind kind, const std::filesystem::path& place,
                                       const config::AppConfig& app, const os::Environment& environment,
                                       const Interrupt& interrupt);

}  // namespace rotv::launch
