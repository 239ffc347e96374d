// A connection of ours to a real server of a test.

#pragma once

#include <memory>
#include <string>

#include "storage/interrupt.h"
#include "sync/link/open_link.h"
#include "sync/postgres/pg_connection.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

class DirectSource {
 public:
  explicit DirectSource(const PostgresServer& server) {
    source_.name = "test";
    source_.url = "postgresql://rotv@127.0.0.1:" + std::to_string(server.port()) + "/rotv";
    link_ = link::OpenLink(source_, private_dir_.path(), interrupt_);
    connection_ = postgres::PgConnection::Connect(*link_, {}, interrupt_);
  }

  postgres::PgConnection& connection() { return *connection_; }

 private:
  SourceConfig source_;
  TempDir private_dir_;
  Interrupt interrupt_;
  std::unique_ptr<link::Link> link_;
  std::unique_ptr<postgres::PgConnection> connection_;
};

}  // namespace rotv::testing
