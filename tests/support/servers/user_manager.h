// What runs commands at their times, for tests: a real systemd of one's own, and a real crontab that is nobody else's.

#pragma once

#include <filesystem>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {

// A systemd whose units are those of `user_home`. Needs root. Ends with the object, with all that it has started.
class UserManager {
 public:
  // Throws std::runtime_error if it does not come up.
  explicit UserManager(const std::filesystem::path& user_home);
  ~UserManager();

  // `command` as a program of the session.
  Command Within(Command command) const;

 private:
  TempDir runtime_dir_;
  Process process_;
};

// `command` on a machine without systemd, whose crontabs are in `tables`. Root's own where we are root, and otherwise
// one of a user namespace's root.
Command WithCron(Command command, const std::filesystem::path& tables);

}  // namespace rotv::testing
