#include "sync/find_database_facts.h"

#include "os/temporary_directory.h"
#include "sync/postgres/database_facts.h"
#include "sync/postgres/source_session.h"
#include "sync/postgres/statement_batch.h"
#include "sync/pull.h"
#include "sync/schema/stored_facts.h"
#include "sync/schema_text.h"

namespace rotv {

DatabaseFacts FindDatabaseFacts(const Context& context) {
  if (HasBaseline(context)) return ReadSchemaText(context, "head").facts;
  const os::TemporaryDirectory sockets;
  postgres::SourceSession session(context, sockets.path());
  postgres::StatementBatch batch;
  batch.Add(postgres::DatabaseFactsStatements());
  proto::SchemaVersion schema;
  const std::vector<postgres::PgResult> results = session.connection().QueryAll(batch.sql());
  *schema.mutable_database() = postgres::ParseDatabaseFacts(results, session.connection());
  return schema::FactsOf(schema);
}

}  // namespace rotv
