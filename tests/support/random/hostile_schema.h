// An attacker who owns tables on the source, and nothing more: a schema in which every expression that a server
// evaluates tries an action that only a superuser, or a member of the roles for programs and files, may do. Objects
// that needed a superuser on the source are in it too, in case the attacker has found one.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

class HostileSchema {
 public:
  // Creates the directory `marks`, where any user may write: files appear there as soon as an attempt succeeds.
  explicit HostileSchema(std::filesystem::path marks);

  // Creates it in the database `rotv` of the source. No attempt succeeds there: its owner is an ordinary role.
  void Install(const PostgresServer& source) const;
  // Creates only what an untrusted import leaves out: event trigger, functions in C, a language, a foreign server.
  static void InstallWhatNeedsASuperuser(const PostgresServer& source);

  // Names of the files in `marks`.
  std::vector<std::string> Marks() const;

  // SQL: every attempt that succeeded, with the place of the attempt; empty if none did.
  static constexpr const char* kGained = "SELECT place, attempt FROM attack.gained";
  // SQL: the number of places that were evaluated, in this import or since. The event trigger is evaluated on the
  // source.
  static constexpr const char* kReached =
      "SELECT pg_catalog.count(DISTINCT place) FROM attack.reached WHERE place <> 'event trigger'";
  // SQL: writes to every table and reads every view, so that code that waits for use is evaluated as well.
  static const std::string& UseEverything();

 private:
  const std::filesystem::path marks_;
};

}  // namespace rotv::testing
