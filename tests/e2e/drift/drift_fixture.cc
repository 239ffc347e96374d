#include "tests/e2e/drift/drift_fixture.h"

namespace rotv::testing {

std::vector<std::string> Labels(const std::vector<drift::SchemaObject>& objects) {
  std::vector<std::string> labels;
  for (const drift::SchemaObject& object : objects) labels.push_back(object.Label());
  return labels;
}

std::vector<std::string> AllLabels(const drift::SchemaDrift& drift) {
  std::vector<std::string> all;
  for (const std::string& label : Labels(drift.only_before)) all.push_back("only before: " + label);
  for (const std::string& label : Labels(drift.only_after)) all.push_back("only after: " + label);
  for (const drift::ChangedObject& change : drift.changed) all.push_back("changed: " + change.after.Label());
  return all;
}

SchemaSession::SchemaSession(const PostgresServer& server, const std::string& database)
    : connection_(server.NewConnection({database, "postgres"})) {
  // Prepared, the query is planned once: half of its time.
  connection_.Exec("SET search_path = ''; SET client_min_messages = warning; PREPARE read_schema AS " +
                   std::string(drift::SchemaQuery()));
  connection_.Exec("SET search_path = public");
}

std::vector<drift::SchemaObject> SchemaSession::Read() {
  connection_.Exec("SET search_path = ''");
  std::vector<drift::SchemaObject> objects = drift::ParseSchema(connection_.Value("EXECUTE read_schema"));
  connection_.Exec("SET search_path = public");
  return objects;
}

GridServer::GridServer(int version)
    : server_({.version = version, .settings = {{"jit", "off"}}}), major_(PostgresServer::MajorVersion(version)) {
  server_.CreateDatabase("grid", "postgres");
  server_.Exec(std::string("SET client_min_messages = warning;") + kGridObjects + kGridClauses, {"grid", "postgres"});
  server_.CreateDatabase("base", "postgres", "TEMPLATE grid");
  session_ = std::make_unique<SchemaSession>(server_, "base");
  base_ = session_->Read();
}

GridServer& GridServer::Of(int version) {
  static std::map<int, std::unique_ptr<GridServer>> servers;
  std::unique_ptr<GridServer>& server = servers[version];
  if (server == nullptr) server.reset(new GridServer(version));
  return *server;
}

std::vector<Difference> GridServer::Differences() const {
  std::vector<Difference> differences;
  for (const std::vector<Difference>* list : {&ObjectDifferences(), &ClauseDifferences()}) {
    for (const Difference& difference : *list) {
      if (difference.since <= major_) differences.push_back(difference);
    }
  }
  return differences;
}

}  // namespace rotv::testing
