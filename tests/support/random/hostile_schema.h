// The attacker who owns tables on the source, and nothing more: a schema in which every place that a server evaluates
// tries to do what only a superuser, or a member of the roles for programs and files, may do. What needed a superuser
// on the source is in it too, for the case that the attacker has found one.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

class HostileSchema {
 public:
  // Makes the directory `marks`, where any user may write: files appear there as soon as an attempt succeeds.
  explicit HostileSchema(std::filesystem::path marks);

  // Makes it in the database `rotv` of the source. Nothing succeeds there: its owner is an ordinary role.
  void Install(const PostgresServer& source) const;
  // Only what an import leaves out without trust: event trigger, functions in C, a language, a foreign server.
  static void InstallWhatNeedsASuperuser(const PostgresServer& source);

  // Names of the files in `marks`.
  std::vector<std::string> Marks() const;

  // SQL: every attempt that did succeed, by the place it was made at; empty where none did.
  static constexpr const char* kGained = "SELECT place, attempt FROM attack.gained";
  // SQL: the number of places that were evaluated, in this import or since. The event trigger is evaluated on the
  // source.
  static constexpr const char* kReached =
      "SELECT pg_catalog.count(DISTINCT place) FROM attack.reached WHERE place <> 'event trigger'";
  // SQL: writes to every table and reads every view, so that what only waits is evaluated as well.
  static const std::string& UseEverything();

 private:
  const std::filesystem::path marks_;
};

}  // namespace rotv::testing
