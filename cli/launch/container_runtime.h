// Runs the application and its database in one container of Podman or Docker.

#pragma once

#include <string>
#include <vector>

#include "cli/launch/runtime.h"

namespace rotv::launch {

class ContainerRuntime : public Runtime {
 public:
  // `program` is podman or docker. The container's name is derived from the home directory, and a label holds that
  // directory, so that another program's container of the same name is never removed.
  ContainerRuntime(std::string program, std::filesystem::path home, std::string database,
                   const os::Environment& environment, const Interrupt& interrupt);

  std::string name() const override { return program_; }
  std::string Describe() const override;
  bool HasCluster(const std::filesystem::path& directory) const override;
  void CheckReady(const LaunchRequest& request) override;
  RunState State() override;
  void Start(const LaunchRequest& request) override;
  void Stop() override;
  std::vector<std::string> LogCommand(bool follow) const override;
  std::vector<std::string> ShellCommand(bool terminal, const OwnDatabase& database) const override;
  OwnDatabase Database() const override;
  os::Environment Inherited() const override { return {}; }
  std::string AppDirectory() const override;
  std::string PlaceOf(const SharedDirectory& shared) const override;
  std::vector<std::string> PsqlVersionCommand(const std::string& image) const override;
  std::vector<std::string> PsqlCommand(const std::vector<std::string>& arguments, bool terminal) const override;

 private:
  std::vector<std::string> RunWords(const LaunchRequest& request, const std::filesystem::path& env_file) const;
  std::vector<std::string> ExecWords(bool terminal) const;
  // Returns `option` where SELinux needs labels; else empty.
  std::string Relabel(const std::string& option) const;
  std::string Mount(const std::filesystem::path& source, std::string_view target, std::string_view options) const;
  void OwnPersistentDirectory(const std::filesystem::path& directory) const;

  const std::string program_;
  const std::filesystem::path home_;
  const std::string database_;
  const std::filesystem::path browser_cache_;  // Empty where there is none.
  const Interrupt& interrupt_;
  const std::string container_;
};

// "rotv" for ~/.rotv, else "rotv-" and eight hexadecimal digits of a hash over the path.
std::string ContainerName(const std::filesystem::path& home, const os::Environment& environment);

// The text of an --env-file: NAME=VALUE lines. A value with a line feed, which the format cannot hold, is written in
// Base64 and named in ROTV_SECRETS_BASE64; the entrypoint decodes it.
std::string EnvFileText(const os::Environment& variables);

}  // namespace rotv::launch
