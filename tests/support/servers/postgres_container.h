// A real PostgreSQL 17 in a real container, for one test: Podman's, with nothing in it beyond Debian and PostgreSQL,
// and no network but its own loopback. It holds the database and the role `rotv`, as a PostgresServer does. Whoever
// runs the test owns it; root is not needed. All functions throw std::runtime_error with Podman's or the server's
// words.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/files/subprocess.h"

namespace rotv::testing {

// A Podman of the tests' own.
struct TestPodman {
  std::map<std::string, std::string> environment;  // Under which it knows its containers and images.
  std::string image;
};
// `kind` as container_image.sh has it. Makes the image where ./dev test has not done so.
TestPodman PreparePodman(const std::string& kind = "");

class PostgresContainer {
 public:
  static constexpr int kVersion = 17;

  // Accepting connections on return. Makes the image where ./dev test has not done so.
  PostgresContainer();
  ~PostgresContainer();
  PostgresContainer(const PostgresContainer&) = delete;
  PostgresContainer& operator=(const PostgresContainer&) = delete;

  const std::string& name() const { return name_; }
  // Under which Podman knows it: whoever is to find the container needs these variables.
  const std::map<std::string, std::string>& environment() const { return podman_.environment; }

  // podman ARGUMENTS...
  Command Podman(const std::vector<std::string>& arguments) const;
  // A program in there, as root.
  void Run(const std::vector<std::string>& argv) const;

  // Statements for the database rotv, by psql in there.
  void Exec(const std::string& sql, const std::string& user = "rotv") const;
  // The single value of a single row.
  std::string Value(const std::string& sql) const;
  // What the pg_dump in there writes, as PostgresServer::Dump() does.
  std::string Dump() const;

  // The names of all processes in there that are neither the server's nor its starter's.
  std::vector<std::string> OtherProcesses() const;

 private:
  Command Psql(const std::string& user) const;

  const TestPodman podman_;
  std::string name_;
};

}  // namespace rotv::testing
