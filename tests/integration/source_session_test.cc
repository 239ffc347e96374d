#include "sync/postgres/source_session.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/files/temp_dir.h"
#include "tests/support/no_progress.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv {
namespace {

class SourceSessionTest : public ::testing::Test {
 protected:
  SourceSessionTest() {
    source.name = "test";
    source.url = "postgresql://rotv@127.0.0.1:" + std::to_string(server.port()) + "/rotv";
  }

  const testing::PostgresServer server;
  const testing::TempDir directory;
  SourceConfig source;
  testing::NoProgress progress;
  const Interrupt interrupt;
  const Context context{source, directory.path(), progress, interrupt};
};

// The fingerprint is asked on the first connection, and the others print the values.
TEST_F(SourceSessionTest, AllConnectionsPrintMoneyLikeTheFirst) {
  server.Exec("ALTER DATABASE rotv SET lc_monetary = 'POSIX'", testing::kSuperuser);
  postgres::SourceSession session(context, directory.path());
  const auto shown = [](postgres::PgConnection& connection) {
    return connection.Query("SELECT current_setting('lc_monetary')").Get(0, 0);
  };
  EXPECT_EQ(shown(session.connection()), "POSIX");
  server.Exec("ALTER DATABASE rotv SET lc_monetary = 'C.UTF-8'", testing::kSuperuser);
  for (const auto kind : {postgres::PgConnection::Kind::kOrdinary, postgres::PgConnection::Kind::kReplication}) {
    const std::unique_ptr<postgres::PgConnection> later = session.Connect(kind);
    EXPECT_EQ(shown(*later), "POSIX");
    EXPECT_EQ(later->lc_monetary(), "POSIX");
  }
  postgres::SourceSession next(context, directory.path(), postgres::SourceSession::Connections::kAlsoReplication);
  EXPECT_EQ(shown(next.connection()), "C.UTF-8");
  EXPECT_EQ(shown(*next.TakeReplication()), "C.UTF-8");
}

// As if it had changed between the two logins of a session.
TEST_F(SourceSessionTest, AConnectionThatIsThereCanBeMadeToPrintMoneyLikeAnother) {
  postgres::SourceSession session(context, directory.path(), postgres::SourceSession::Connections::kAlsoReplication);
  const std::unique_ptr<postgres::PgConnection> replication = session.TakeReplication();
  replication->SetLcMonetary("POSIX");
  EXPECT_EQ(replication->Query("SELECT current_setting('lc_monetary')").Get(0, 0), "POSIX");
}

TEST_F(SourceSessionTest, OnlyTheStreamHasTheMemoryForDecoding) {
  SourceConfig with_memory = source;
  with_memory.decoding_memory_mb = 96;
  const Context with{with_memory, directory.path(), progress, interrupt};
  const auto shown = [](postgres::PgConnection& connection) {
    return connection.Query("SELECT current_setting('logical_decoding_work_mem')").Get(0, 0);
  };
  postgres::SourceSession session(with, directory.path(), postgres::SourceSession::Connections::kAlsoReplication);
  EXPECT_EQ(shown(session.connection()), "64MB");
  EXPECT_EQ(shown(*session.TakeReplication()), "96MB");
  EXPECT_EQ(shown(*session.TakeReplication()), "96MB") << "a later one";
}

}  // namespace
}  // namespace rotv
