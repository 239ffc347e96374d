// A real PostgreSQL 17 in a real container, for one test: Podman's, with nothing in it beyond Debian and PostgreSQL,
// and no network but its own loopback. It contains the database and the role `rotv`, like a PostgresServer. The test's
// user owns it; root is not needed. All functions throw std::runtime_error with the message of Podman or of the server.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/files/subprocess.h"

namespace rotv::testing {

// A Podman for the tests alone.
struct TestPodman {
  std::map<std::string, std::string> environment;  // The environment in which it finds its containers and images.
  std::string image;
};
// `kind` is an argument of container_image.sh. Builds the image unless ./dev test has done so.
TestPodman PreparePodman(const std::string& kind = "");

struct PostgresContainerOptions {
  std::string socket_directory = "/run/postgresql";
  std::map<std::string, std::string> environment = {};  // Variables of everything that runs in the container.
};

class PostgresContainer {
 public:
  static constexpr int kVersion = 17;

  // The server accepts connections on return. Builds the image unless ./dev test has done so.
  explicit PostgresContainer(const PostgresContainerOptions& options = {});
  ~PostgresContainer();
  PostgresContainer(const PostgresContainer&) = delete;
  PostgresContainer& operator=(const PostgresContainer&) = delete;

  const std::string& name() const { return name_; }
  // The environment in which Podman finds the container: a program that has to find it needs these variables.
  const std::map<std::string, std::string>& environment() const { return podman_.environment; }

  // podman ARGUMENTS...
  Command Podman(const std::vector<std::string>& arguments) const;
  // Runs a program in the container, as root.
  void Run(const std::vector<std::string>& argv) const;

  // Runs statements in the database rotv, by the container's psql.
  void Exec(const std::string& sql, const std::string& user = "rotv") const;
  // The single value of a single row.
  std::string Value(const std::string& sql) const;
  // The output of the container's pg_dump, like PostgresServer::Dump().
  std::string Dump() const;

  // The names of all processes in the container except the server's and its starter's.
  std::vector<std::string> OtherProcesses() const;

 private:
  Command InContainer(const std::vector<std::string>& argv) const;
  Command Psql(const std::string& user) const;

  const TestPodman podman_;
  std::string name_;
};

}  // namespace rotv::testing
