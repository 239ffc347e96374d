// Runs the application and its database in one container of Podman or Docker.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/launch/runtime.h"
#include "os/run_program.h"

namespace rotv::launch {

// The label of an image that says of which project's directory it was built.
inline constexpr const char* kProjectLabel = "rotv.project";

class ContainerRuntime : public Runtime {
 public:
  // `program` is podman or docker. The container's name is derived from the place (project.h), and a label holds that
  // directory, so that a container of the same name that is another program's, or another user's, is never touched:
  // ours has another name then.
  ContainerRuntime(std::string program, std::filesystem::path place, std::string database,
                   const os::Environment& environment, const Interrupt& interrupt);

  std::string name() const override { return program_; }
  std::string Describe() const override;
  void LookAhead(const std::string& image) override;
  bool HasCluster(const std::filesystem::path& directory) const override;
  void CheckReady(const LaunchRequest& request) override;
  RunState State() override;
  void Start(const LaunchRequest& request) override;
  void Stop() override;
  std::vector<std::string> LogCommand(const LogView& view) const override;
  std::vector<std::string> ShellCommand(bool terminal, const OwnDatabase& database) const override;
  std::vector<std::string> RequestCommand(const std::string& verb) const override;
  OwnDatabase Database() const override;
  os::Environment Inherited() const override { return {}; }
  std::string AppDirectory() const override;
  std::string PlaceOf(const SharedDirectory& shared) const override;
  std::vector<std::string> PsqlVersionCommand(const std::string& image) const override;
  std::vector<std::string> PsqlCommand(const std::vector<std::string>& arguments, bool terminal) const override;

 private:
  // A question to the program, and the answer if it was asked ahead. Each is a process that takes about 0.1 s, most of
  // it waiting.
  struct Question {
    std::vector<std::string> words;
    std::optional<os::ProgramResult> answer;
  };
  // Takes the answer that is there to the same words, or asks now.
  os::ProgramResult Ask(Question& ahead, const std::vector<std::string>& words) const;
  std::vector<std::string> VersionWords() const;
  std::vector<std::string> ImageWords(const std::string& image) const;
  std::vector<std::string> StateWords() const;

  [[noreturn]] void ThrowNotWorking(const std::string& why) const;
  void RequireImageOf(const std::filesystem::path& project, const std::string& image, const std::string& labels) const;
  void RequireNoneFound(const os::ProgramResult& asked) const;
  std::vector<std::string> RunWords(const LaunchRequest& request, const std::filesystem::path& env_file) const;
  bool UsesOverlay(const WarmRequest& warm) const;
  std::vector<std::string> WarmWords(const WarmRequest& warm) const;
  std::vector<std::string> ExecWords(bool terminal) const;
  // Returns `option` where SELinux needs labels; else empty.
  std::string Relabel(const std::string& option) const;
  std::string Mount(const std::filesystem::path& source, std::string_view target, std::string_view options) const;
  void OwnPersistentDirectory(const std::filesystem::path& directory) const;

  const std::string program_;
  const std::filesystem::path place_;
  const std::string database_;
  const std::filesystem::path browser_cache_;  // Empty where there is none.
  const Interrupt& interrupt_;
  const std::string container_names_[2];  // The second one, where the first is taken.
  mutable Question version_, image_, state_;
  std::string container_;  // The one that is ours, or that a start would use; State() finds it.
};

// "rotv" for ~/.rotv and "rotv-NAME" for ~/.rotv/apps/NAME; elsewhere with eight hexadecimal digits of a hash over the
// path at the end.
std::string ContainerName(const std::filesystem::path& place, const os::Environment& environment);
// The same, always with the digits.
std::string ContainerNameWithNumber(const std::filesystem::path& place);

// The text of an --env-file: NAME=VALUE lines. A value with a line feed, which the format cannot hold, is written in
// Base64 and named in ROTV_SECRETS_BASE64; the entrypoint decodes it.
std::string EnvFileText(const os::Environment& variables);

}  // namespace rotv::launch
