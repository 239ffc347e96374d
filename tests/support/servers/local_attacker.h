// Another user with a login on the same machine, who wants what we start to run his programs or to overwrite files, or
// to fail. He knows how the product works, sees every name in /dev/shm and /tmp, and may do there what an ordinary user
// may. If a test runs as root he is the user nobody; otherwise the test's own user plays him, who has no fewer rights.

#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {

class LocalAttacker {
 public:
  LocalAttacker();

  std::string user() const { return IsRoot() ? "nobody" : CurrentUser(); }

  // Runs a script of bash as him. $MARK names a file that he may write: his programs write there when another user runs
  // them.
  Result Run(const std::string& script) const;
  // The same in the background.
  std::unique_ptr<Process> Start(const std::string& script) const;

  // As long as the process lives, it puts a program of his own, by links, other directories and other files, into the
  // place of everything that a start creates in `place`, as fast as possible. The attack has begun on return.
  std::unique_ptr<Process> AttackNamesIn(const std::filesystem::path& place) const;
  // Makes `directory` his own, with his program under all names of programs that a start runs.
  void Occupy(const std::filesystem::path& directory) const;

  // The users that have run his program, one number per line; empty if none has.
  std::string Victims() const;
  // A directory that everyone may write, such as /tmp.
  const std::filesystem::path& shared() const { return shared_.path(); }

 private:
  Command ScriptCommand(const std::string& script) const;

  TempDir shared_;
};

}  // namespace rotv::testing
