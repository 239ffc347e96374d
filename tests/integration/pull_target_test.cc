#include "sync/capture/pull_target.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/postgres/source_session.h"
#include "tests/integration/direct_source.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::ErrorOf;
using testing::kSuperuser;
using testing::PostgresServer;

constexpr uint64_t kSegment = 16 << 20;

TEST(WithoutPageHeaderTest, AnLsnInsideAPageIsKept) {
  for (uint64_t offset : {8192 + 0, 8192 + 8, 8192 + 25, 8192 + 32, 16384 - 8, 100, 24}) {
    EXPECT_EQ(capture::WithoutPageHeader(Lsn(5 * kSegment + offset), kSegment), Lsn(5 * kSegment + offset)) << offset;
  }
}

TEST(WithoutPageHeaderTest, AfterAPageHeaderTheLsnIsThePageStart) {
  EXPECT_EQ(capture::WithoutPageHeader(Lsn(5 * kSegment + 8192 + 24), kSegment), Lsn(5 * kSegment + 8192));
  EXPECT_EQ(capture::WithoutPageHeader(Lsn(6 * kSegment - 8192 + 24), kSegment), Lsn(6 * kSegment - 8192));
}

TEST(WithoutPageHeaderTest, AfterASegmentHeaderTheLsnIsTheSegmentStart) {
  EXPECT_EQ(capture::WithoutPageHeader(Lsn(5 * kSegment + 40), kSegment), Lsn(5 * kSegment));
  EXPECT_EQ(capture::WithoutPageHeader(Lsn(5 * kSegment + 8192 + 40), kSegment), Lsn(5 * kSegment + 8192 + 40));
  // Segments can be larger and smaller.
  EXPECT_EQ(capture::WithoutPageHeader(Lsn(5 * kSegment + 40), 1 << 20), Lsn(5 * kSegment));
  EXPECT_EQ(capture::WithoutPageHeader(Lsn(5 * kSegment + 40), 1 << 30), Lsn(5 * kSegment + 40));
  EXPECT_EQ(capture::WithoutPageHeader(Lsn(5 * kSegment + 24), 1 << 30), Lsn(5 * kSegment));
}

class PullTargetTest : public ::testing::Test {
 protected:
  PullTargetTest() {
    server_.Exec("CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION ours FOR TABLE t", kSuperuser);
    server_.Exec("SELECT pg_create_logical_replication_slot('ours', 'pgoutput')", kSuperuser);
    *manifest_.mutable_source() = postgres::ReadIdentity(source_.connection());
    manifest_.set_slot("ours");
    manifest_.set_publication("ours");
    manifest_.set_durable_lsn(Confirmed().value());
  }

  Lsn Confirmed() {
    return *Lsn::Parse(
        server_.Value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'ours'", kSuperuser));
  }
  capture::SourceState Ask() { return capture::AskSourceState(source_.connection(), manifest_); }
  void ExpectMoved(const std::string& what) {
    Error error = ErrorOf([&] { Ask(); });
    EXPECT_EQ(error.code(), ErrorCode::kSlotLost);
    EXPECT_THAT(error.what(), ::testing::HasSubstr(what));
    EXPECT_THAT(error.hint(), ::testing::HasSubstr("pull --rebaseline"));
  }

  PostgresServer server_;
  testing::DirectSource source_{server_};
  proto::Manifest manifest_;
};

TEST_F(PullTargetTest, VisibleTransactionsCommitBeforeTheTarget) {
  for (int i = 0; i < 20; ++i) {
    // The transaction is not flushed, but visible.
    server_.Exec("SET synchronous_commit = off; INSERT INTO t VALUES (" + std::to_string(i) + ")", kSuperuser);
    Lsn target = Ask().insert_lsn;
    // The start of a Commit message: its letter, a byte of flags, the commit LSN.
    std::string after = server_.Value(
        "SELECT count(*) FROM pg_logical_slot_peek_binary_changes('ours', NULL, NULL, 'proto_version', '1', "
        "'publication_names', 'ours') WHERE get_byte(data, 0) = ascii('C') AND substring(data FROM 3 FOR 8) >= '\\x" +
            fmt::format("{:016x}", target.value()) + "'",
        kSuperuser);
    EXPECT_EQ(after, "0");
  }
}

TEST_F(PullTargetTest, TheResultHasTheFingerprintAndTheSourcesClock) {
  capture::SourceState state = Ask();
  EXPECT_EQ(state.fingerprint, postgres::ReadFingerprint(source_.connection(), "ours"));
  int64_t now = std::stoll(server_.Value("SELECT (extract(epoch FROM now()) * 1000000)::bigint"));
  EXPECT_LE(state.time_us, now);
  EXPECT_GT(state.time_us, now - 60000000);
}

TEST_F(PullTargetTest, AnotherServerIsRefused) {
  manifest_.mutable_source()->set_system_id(manifest_.source().system_id() + 1);
  ExpectMoved("not the PostgreSQL cluster");
}

TEST_F(PullTargetTest, AnotherTimelineIsRefused) {
  manifest_.mutable_source()->set_timeline(7);
  ExpectMoved("timeline");
}

TEST_F(PullTargetTest, AnotherDatabaseOfTheSameNameIsRefused) {
  manifest_.mutable_source()->set_database_oid(1);
  ExpectMoved("dropped and created again");
}

TEST_F(PullTargetTest, AMissingSlotIsRefused) {
  server_.Exec("SELECT pg_drop_replication_slot('ours')", kSuperuser);
  ExpectMoved("slot ours no longer exists");
}

TEST_F(PullTargetTest, ASlotAheadOfTheStoreIsRefused) {
  manifest_.set_durable_lsn(Confirmed().value() - 1);
  ExpectMoved("ahead of the store");
}

TEST_F(PullTargetTest, ASlotThatLostItsWalIsRefused) {
  server_.Set("max_slot_wal_keep_size", "1MB");
  server_.Set("max_wal_size", "32MB");
  for (int i = 0; i < 4; ++i) {
    server_.Exec(
        "CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 20000); DROP TABLE filler;"
        "SELECT pg_switch_wal()",
        kSuperuser);
  }
  server_.Exec("CHECKPOINT", kSuperuser);
  ASSERT_EQ(server_.Value("SELECT wal_status FROM pg_replication_slots", kSuperuser), "lost");
  ExpectMoved("has removed WAL");
}

}  // namespace
}  // namespace rotv
