#include "tests/support/servers/local_attacker.h"

#include <stdexcept>

namespace rotv::testing {
namespace {

// This program reports which user runs it.
constexpr const char* kProgram = R"(
plant() {  # FILE
  { printf '#!/bin/bash\nid -u >>%q\n' "$MARK" >"$1" && chmod 0755 "$1"; } 2>/dev/null
}
occupy() {  # DIRECTORY
  mkdir -p "$1/entrypoint" "$1/pgdata" "$1/socket" 2>/dev/null && chmod -R 0777 "$1" 2>/dev/null
  local name
  for name in entrypoint messages.sh directory.sh postgres.sh postgres_programs.sh warm.sh requests.sh import.sh \
    parallel_import.sh superuser.sh twin.sh log_times.sh application.sh environment.sh; do
    plant "$1/entrypoint/$name"
  done
}
)";

}  // namespace

LocalAttacker::LocalAttacker() { std::filesystem::permissions(shared_.path(), std::filesystem::perms(01777)); }

Command LocalAttacker::ScriptCommand(const std::string& script) const {
  return {.argv = {"bash", "-c", kProgram + script},
          .env = {{"MARK", shared_ / "mark"}},
          .directory = shared_.path(),
          .user = IsRoot() ? "nobody" : ""};
}

Result LocalAttacker::Run(const std::string& script) const { return RunCommand(ScriptCommand(script)); }

std::unique_ptr<Process> LocalAttacker::Start(const std::string& script) const {
  return std::make_unique<Process>(ScriptCommand(script));
}

std::unique_ptr<Process> LocalAttacker::AttackNamesIn(const std::filesystem::path& place) const {
  std::unique_ptr<Process> attack = Start("cd '" + place.native() + R"(' || exit
echo attacking
while true; do
  for one in rotv-*; do
    # He has no files of his own with such names.
    [[ -e $one && ! -O $one ]] || continue
    mv "$one" "stolen-$$" 2>/dev/null && { occupy "$one" || ln -s "$PWD/evil-$$" "$one"; }
    occupy "$one"
    ln -sfn /etc "$one/pgdata" 2>/dev/null
  done
done)");
  if (!attack->WaitForOutput("attacking", std::chrono::seconds(30))) throw std::runtime_error(attack->Err());
  return attack;
}

void LocalAttacker::Occupy(const std::filesystem::path& directory) const {
  Result result =
      Run("umask 0; occupy '" + directory.native() + "'; test -x '" + directory.native() + "/entrypoint/entrypoint'");
  if (!result.ok()) throw std::runtime_error("the attacker cannot create " + directory.native() + ": " + result.err);
}

std::string LocalAttacker::Victims() const {
  std::filesystem::path mark = shared_ / "mark";
  return std::filesystem::exists(mark) ? ReadFile(mark) : "";
}

}  // namespace rotv::testing
