#include "tests/support/servers/user_manager.h"

#include <csignal>
#include <stdexcept>

namespace rotv::testing {

UserManager::UserManager(const std::filesystem::path& user_home)
    : process_([&] {
        Command command;
        command.argv = {ROTV_SOURCE_DIR "/tests/support/servers/user_manager.sh", runtime_dir_.path()};
        command.env["HOME"] = user_home;
        command.unset_env = {"XDG_*"};
        return command;
      }()) {
  if (!process_.WaitForOutput("ready", std::chrono::seconds(30))) {
    throw std::runtime_error("cannot start a systemd for the test: " + process_.Err());
  }
}

UserManager::~UserManager() {
  // The services run in sessions of their own.
  Command stop;
  stop.argv = {"systemctl", "--user", "exit"};
  RunCommand(Within(stop));
  process_.WaitFor(std::chrono::seconds(20));
  process_.SignalGroup(SIGKILL);
}

Command UserManager::Within(Command command) const {
  const std::string target = std::to_string(process_.pid());
  const std::string directory = command.directory.empty() ? "." : command.directory.string();
  command.argv.insert(command.argv.begin(),
                      {"nsenter", "--target", target, "--mount", "--cgroup", "--", "env", "--chdir", directory});
  command.env["XDG_RUNTIME_DIR"] = runtime_dir_.path();
  command.unset_env.emplace_back("DBUS_SESSION_BUS_ADDRESS");
  return command;
}

Command WithCron(Command command, const std::filesystem::path& tables) {
  std::filesystem::create_directories(tables);
  // A systemd of this machine's user may be in /run/user.
  const std::string script =
      "for spool in /var/spool/cron/crontabs /var/spool/cron; do [ ! -d $spool ] || break; done; "
      "mount --bind \"$1\" $spool && { [ ! -d /run/user ] || mount -t tmpfs none /run/user; } && shift && exec \"$@\"";
  std::vector<std::string> argv = {"unshare"};
  if (!IsRoot()) argv.insert(argv.end(), {"--user", "--map-root-user"});
  argv.insert(argv.end(), {"--mount", "sh", "-c", script, "sh", tables});
  command.argv.insert(command.argv.begin(), argv.begin(), argv.end());
  command.unset_env.emplace_back("DBUS_SESSION_BUS_ADDRESS");
  return command;
}

}  // namespace rotv::testing
