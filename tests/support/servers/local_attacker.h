// Somebody else with a login on the same machine, who wants what we start to run his programs or to write over files,
// or that nothing starts at all. He knows how the product works, sees every name in /dev/shm and /tmp, and may do there
// what an ordinary user may. Where a test runs as root he is the user nobody; otherwise he is played by the user of the
// test, who then cannot do less than he could.

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

  // A script of bash, run as him. $MARK names a file that he may write: his programs, run by another, write there.
  Result Run(const std::string& script) const;
  // The same in the background.
  std::unique_ptr<Process> Start(const std::string& script) const;

  // For as long as the process lives: puts a program of his own, by links, other directories and other files, into the
  // place of everything that a start makes in `place`, as fast as it can be made. Starts attacking before it returns.
  std::unique_ptr<Process> AttackNamesIn(const std::filesystem::path& place) const;
  // Makes `directory` his own, with his program under all names that a start runs.
  void Occupy(const std::filesystem::path& directory) const;

  // Which users have run his program, one number a line; empty: nobody has.
  std::string Victims() const;
  // A directory that everybody may write, as /tmp is.
  const std::filesystem::path& shared() const { return shared_.path(); }

 private:
  Command ScriptCommand(const std::string& script) const;

  TempDir shared_;
};

}  // namespace rotv::testing
