// Runs the application and its database as plain processes of this machine, for machines without a container runtime.
// It uses the same entrypoint, with the machine's own PostgreSQL in a private directory on a tmpfs.
//
//   TMPFS/rotv-RANDOM/pgdata       the cluster (0700), unless it is persistent
//   TMPFS/rotv-RANDOM/socket       PostgreSQL's socket; it listens nowhere else
//   TMPFS/rotv-RANDOM/entrypoint   the scripts
//   TMPFS/rotv-RANDOM/main-process the number of the entrypoint's process, and when it was started
//   PLACE/run/local-directory      the name of TMPFS/rotv-RANDOM
//   PLACE/run/app.log              the output of everything that runs
//   PLACE/run/app.log.times        how long it was at which time (log_time.h)
//
// Other users of the machine can write to TMPFS as well: PrivateDirectory protects our directory. If root starts it,
// the scripts belong to root, and only the cluster and the socket to the service user.
//
// The entrypoint's process is recorded. What a killed entrypoint has left is recognised by a variable in the
// environment, which processes keep when one between is killed, and by the user, because anyone can set a variable.

#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/launch/cluster_copy.h"
#include "cli/launch/runtime.h"
#include "os/private_directory.h"
#include "os/recorded_process.h"

namespace rotv::launch {

class LocalRuntime : public Runtime {
 public:
  LocalRuntime(const std::filesystem::path& place, const config::AppConfig& app, const os::Environment& environment);

  std::string name() const override { return "local"; }
  std::string Describe() const override { return "local (no container)"; }
  bool HasCluster(const std::filesystem::path& directory) const override;
  bool HasFilesHere() const override { return true; }
  std::filesystem::path ClusterDirectory() const override { return directory_ ? *directory_ / "pgdata" : ""; }
  void CheckReady(const LaunchRequest& request) override;
  RunState State() override;
  void Start(const LaunchRequest& request) override;
  void Stop() override;
  void StopForNext() override;
  std::vector<std::string> LogCommand(const LogView& view) const override;
  std::vector<std::string> ShellCommand(bool terminal, const OwnDatabase& database) const override;
  std::vector<std::string> RequestCommand(const std::string& verb) const override;
  OwnDatabase Database() const override;
  os::Environment Inherited() const override { return environment_; }
  std::string AppDirectory() const override;
  std::string PlaceOf(const SharedDirectory& shared) const override;
  std::vector<std::string> PsqlVersionCommand(const std::string& image) const override;
  std::vector<std::string> PsqlCommand(const std::vector<std::string>& arguments, bool terminal) const override;

 private:
  void RequireNodeApplication() const;
  os::Environment EntrypointVariables(const LaunchRequest& request) const;
  std::optional<CloneRecord> Reusable(const LaunchRequest& request) const;
  void BeginCopy(const LaunchRequest& request, const std::optional<CloneRecord>& reused);
  pid_t Spawn(const LaunchRequest& request) const;
  std::vector<std::filesystem::path> Clusters() const;
  std::vector<pid_t> Processes() const;
  std::optional<os::RecordedProcess> MainProcess() const;  // The entrypoint, if it is alive.
  void EndProcesses();
  void KillAll() const;
  std::filesystem::path LogTimes() const;

  const os::Environment environment_;
  const std::filesystem::path app_directory_;
  const std::string database_;
  const int port_;  // Of the socket, and of TCP if there is any.
  const config::EnvironmentRules rules_;
  const os::PrivateDirectory private_directory_;
  std::optional<std::filesystem::path> directory_;  // TMPFS/rotv-RANDOM; nothing if none was started.
  const std::filesystem::path log_;
  const std::filesystem::path persistent_dir_;
  bool is_left_ = false;               // directory_ is that of what was stopped, for the next start.
  std::unique_ptr<ClusterCopy> copy_;  // Of the warm cluster of this start, if it is copied.
};

}  // namespace rotv::launch
