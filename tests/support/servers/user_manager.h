// Runs commands at scheduled times, for tests: a real systemd and a real crontab for one test alone.

#pragma once

#include <filesystem>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {

// A systemd whose units are those of `user_home`. Needs root. It ends with the object, together with everything that it
// has started.
class UserManager {
 public:
  // Throws std::runtime_error if it does not start.
  explicit UserManager(const std::filesystem::path& user_home);
  ~UserManager();

  // `command` as a program of the session.
  Command Within(Command command) const;

 private:
  TempDir runtime_dir_;
  Process process_;
};

// `command` on a machine without systemd, whose crontabs are in `tables`: root's crontab if we are root, otherwise that
// of a user namespace's root.
Command WithCron(Command command, const std::filesystem::path& tables);

}  // namespace rotv::testing
