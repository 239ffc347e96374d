// One server with the grid's schema, on which differences are tried in transactions that are rolled back.

#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sync/find_drift.h"
#include "tests/e2e/drift/drift_grid.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

// "only before: table public.a", "changed: column public.a.b": everything that differs.
std::vector<std::string> AllLabels(const drift::SchemaDrift& drift);
std::vector<std::string> Labels(const std::vector<drift::SchemaObject>& objects);

// A session that reads the schema again and again, also of a transaction that is not committed.
class SchemaSession {
 public:
  SchemaSession(const PostgresServer& server, const std::string& database);

  // Leaves search_path as it was for statements of the grid: public alone.
  std::vector<drift::SchemaObject> Read();
  Connection& connection() { return connection_; }

 private:
  Connection connection_;
};

// The server of one version, with the databases `base` and `grid`, which have the grid's schema; nobody is connected to
// `grid`, so it serves as a template. It lives as long as the process.
class GridServer {
 public:
  static GridServer& Of(int version);

  PostgresServer& server() { return server_; }
  int major() const { return major_; }
  const std::vector<drift::SchemaObject>& base() const { return base_; }
  // A session in `base`.
  SchemaSession& session() { return *session_; }

  // The differences of the grid that this version has.
  std::vector<Difference> Differences() const;

 private:
  explicit GridServer(int version);

  PostgresServer server_;
  int major_;
  std::unique_ptr<SchemaSession> session_;
  std::vector<drift::SchemaObject> base_;
};

}  // namespace rotv::testing
