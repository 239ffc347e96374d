// A subset that is published is a history of its own: whoever follows it has, at each publication, the bytes of the
// publisher's `materialize --subset`.

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "storage/source_lock.h"
#include "tests/e2e/history/history_fixture.h"
#include "tests/e2e/remote/remote_fixture.h"
#include "tests/support/random/dice.h"

namespace rotv::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint64_t kSeed = 7;

RotvHomeOptions SubsetOptions() {
  RotvHomeOptions options = PublisherOptions();
  options.more_config +=
      "subset = true\n"
      "[subset]\n\"public.users\" = { where = \"plan = 'team'\" }\n\"public.orders\" = { limit = 60 }\nsmall = 20\n";
  return options;
}

class SubsetRemoteTest : public RemoteTest {
 protected:
  SubsetRemoteTest() : RemoteTest(SubsetOptions()) {
    ConfigureFollower(remote().native());
    Exec(
        "CREATE TABLE countries (code text PRIMARY KEY, name text);"
        "CREATE TABLE users (id int PRIMARY KEY, plan text, country text REFERENCES countries,"
        "  invited_by int REFERENCES users, big text); ALTER TABLE users ALTER big SET STORAGE EXTERNAL;"
        "CREATE TABLE products (id bigint PRIMARY KEY, name text);"
        "CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, note text);"
        "CREATE TABLE items (order_id int REFERENCES orders ON DELETE CASCADE, product_id bigint REFERENCES products,"
        "  n int); ALTER TABLE items REPLICA IDENTITY FULL;"                     // Equal rows: a multiset.
        "CREATE TABLE logins (user_id int REFERENCES users ON DELETE CASCADE);"  // Not streamed.
        "CREATE TABLE audit (id serial PRIMARY KEY, what text);"
        "INSERT INTO countries SELECT 'c' || n, 'country ' || n FROM generate_series(0, 29) n;"
        "INSERT INTO products SELECT n, 'product ' || n FROM generate_series(0, 59) n;"
        "INSERT INTO users SELECT n, CASE WHEN n % 10 = 0 THEN 'team' ELSE 'free' END, 'c' || n % 30, nullif(n / 7, 0),"
        "  CASE WHEN n < 40 THEN repeat(md5(n::text), 200) END FROM generate_series(1, 400) n;"
        "INSERT INTO orders SELECT n, n % 400 + 1, 'x' FROM generate_series(1, 1000) n;"
        "INSERT INTO items SELECT n % 1000 + 1, n % 20, n % 2 FROM generate_series(1, 3000) n;"
        "INSERT INTO logins SELECT n % 400 + 1 FROM generate_series(1, 600) n;"
        "INSERT INTO audit (what) SELECT 'what ' || n FROM generate_series(1, 500) n;"
        "SELECT lo_from_bytea(4711, 'a large object')");
    rotv.MustSync({"baseline"});
    rotv.MustSync({"publish"});
  }

  std::string OurSubset(const std::vector<std::string>& point = {}) const {
    std::vector<std::string> arguments = {"--subset"};
    arguments.insert(arguments.end(), point.begin(), point.end());
    return ReadFile(rotv.Seed("our subset.sql", arguments));
  }
  void FollowerHasSubset() {
    MustFollow({"pull"});
    EXPECT_EQ(ReadFile(FollowerSeed()), OurSubset());
  }
  void Reconfigure(const std::string& from, const std::string& to) {
    std::string config = ReadFile(rotv.config());
    const size_t at = config.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in\n" << config;
    WriteFile(rotv.config(), config.replace(at, from.size(), to));
  }
  // With this change of the config, which is taken back.
  void ExpectRefused(const std::string& from, const std::string& to, const std::string& words) {
    Reconfigure(from, to);
    const Command publish = rotv.SyncCommand({"publish"});
    const Result refused = RunCommand(publish);
    EXPECT_EQ(refused.exit_status, 2) << Describe(publish, refused);
    EXPECT_THAT(refused.err, HasSubstr(words));
    Reconfigure(to, from);
  }

  // Imports what the follower has into a new database of this name.
  void Import(const std::string& database) {
    rotv.server().CreateDatabase(database, "postgres");
    const Result psql = rotv.server().Psql(FollowerSeed(), {database, "postgres"}, {"--single-transaction"});
    ASSERT_TRUE(psql.ok()) << psql.err;
    EXPECT_EQ(rotv.server().Value("SELECT count(*) FROM pg_constraint WHERE NOT convalidated", {database, "postgres"}),
              "0");
  }
};

TEST_F(SubsetRemoteTest, EachPublicationIsTheSubsetOfItsPoint) {
  FollowerHasSubset();
  Import("copy");
  const Login copy{"copy", "postgres"};
  EXPECT_EQ(rotv.server().Value("SELECT count(*) FROM users WHERE plan = 'team'", copy), "40");
  EXPECT_EQ(rotv.server().Value("SELECT count(*) FROM audit", copy), "0") << "it is larger than `small`";

  const std::vector<std::string> changes = {
      "UPDATE users SET plan = CASE plan WHEN 'team' THEN 'free' ELSE 'team' END WHERE id % 40 = ",
      "UPDATE users SET invited_by = NULL WHERE id % 40 = ",
      "UPDATE users SET country = 'c1' WHERE id % 40 = ",
      "UPDATE orders SET user_id = user_id % 400 + 1 WHERE id % 40 = ",
      "UPDATE countries SET name = name || '+' WHERE ascii(right(code, 1)) % 10 = ",
      "DELETE FROM items WHERE product_id % 40 = ",
      "INSERT INTO items SELECT id, 7, 1 FROM orders WHERE id % 40 = ",
      "INSERT INTO logins SELECT id FROM users WHERE id % 40 = ",
      "DELETE FROM orders WHERE id % 40 = ",
      "INSERT INTO audit (what) SELECT 'more' FROM generate_series(1, 40) n WHERE n = ",
  };
  const std::vector<std::string> rare = {
      "TRUNCATE items",
      "TRUNCATE logins, audit",
      "ALTER TABLE users ADD COLUMN IF NOT EXISTS added int NOT NULL DEFAULT 7",
      "ALTER TABLE items DROP CONSTRAINT items_product_id_fkey; ALTER TABLE products ALTER id TYPE text",
      "ALTER TABLE orders DROP COLUMN IF EXISTS note",
      "ALTER TABLE items ADD COLUMN IF NOT EXISTS added text; CREATE TABLE IF NOT EXISTS fresh (id int PRIMARY KEY, "
      "user_id int REFERENCES users); INSERT INTO fresh SELECT id, id FROM users ON CONFLICT DO NOTHING",
      "SELECT lo_put(4711, 2, 'longer object')",
  };
  Dice dice(kSeed);
  for (size_t round = 0; round <= rare.size(); ++round) {
    std::string all;
    for (int i = 0; i < 4; ++i) {
      all += dice.Pick(changes) + std::to_string(dice.Below(40)) + ";";
    }
    if (round > 0) all += rare[round - 1];
    SCOPED_TRACE("round " + std::to_string(round) + ": " + all);
    Exec(all);
    PullAndPublish();
    if (dice.OneIn(3)) continue;  // The next pull takes two publications.
    FollowerHasSubset();
    if (HasFailure()) return;
  }
  FollowerHasSubset();
  Import("last");
  MustFollow({"check"});
}

TEST_F(SubsetRemoteTest, AKilledPublicationGoesOn) {
  MustFollow({"pull"});
  const Command publish = rotv.SyncCommand({"publish"});
  Exec("UPDATE users SET big = 'x' || big, country = 'c7'");
  rotv.MustSync({"pull"});
  RandomKills kills(TimeOf([&] { MustRun(publish); }));
  constexpr int kKills = 12;
  for (int round = 0; round < kKills && !HasFailure(); ++round) {
    // Once it is begun anew, too.
    if (round == kKills / 2) MustRun(rotv.SyncCommand({"clean", "--what", "subsets"}));
    Exec("UPDATE users SET country = 'c' || " + std::to_string(round) + ", invited_by = id % 50 + 1 WHERE id % 3 = 0");
    rotv.MustSync({"pull"});
    SCOPED_TRACE(kills.Kill(publish));
    MustFollow({"pull"});
    MustRun(publish);
    FollowerHasSubset();
  }
  MustFollow({"check"});
}

// Rows that came and left in between would stay with followers if both were one history.
TEST_F(SubsetRemoteTest, AStoreThatIsMadeAgainIsAnotherHistory) {
  rotv.MustSync({"snapshot", "create", "v1"});
  Exec("INSERT INTO users VALUES (1000, 'team')");
  PullAndPublish();
  FollowerHasSubset();
  Exec("DELETE FROM users WHERE id = 1000");
  rotv.MustSync({"pull"});
  rotv.MustSync({"clean", "--what", "subsets"});
  rotv.MustSync({"publish"});
  EXPECT_TRUE(FollowerJson({"pull"}).at("whole"));
  FollowerHasSubset();
  EXPECT_EQ(ReadFile(FollowerSeed({"--snapshot", "v1"})), OurSubset({"--snapshot", "v1"}));

  // A run that was killed while it put a new store in the place of this one goes on with it.
  const std::filesystem::path directory = rotv.home() / "sources" / "production" / "subset-team";
  std::filesystem::rename(directory / "store", directory / "old");
  Exec("INSERT INTO users VALUES (1000, 'team')");
  PullAndPublish();
  EXPECT_FALSE(FollowerJson({"pull"}).at("whole"));
  FollowerHasSubset();
  EXPECT_FALSE(std::filesystem::exists(directory / "old"));

  const SourceLock lock(directory, "somebody", Access::kWrite);
  const Result busy = RunCommand(rotv.SyncCommand({"publish"}));
  EXPECT_EQ(busy.exit_status, 10);
  EXPECT_THAT(busy.err, HasSubstr("the subset of production for the remote team is in use by another run"));
}

TEST_F(SubsetRemoteTest, ASnapshotThatTheSectionDoesNotFitKeepsNobodyFromWhatIsNew) {
  rotv.MustSync({"snapshot", "create", "v1"});
  Exec("CREATE TABLE teams (id int PRIMARY KEY); INSERT INTO teams VALUES (1), (2)");
  rotv.MustSync({"pull"});
  Reconfigure("small = 20", "\"public.teams\" = { where = \"id = 1\" }\nsmall = 20");
  const Result published = MustRun(rotv.SyncCommand({"publish"}));
  EXPECT_THAT(published.err, HasSubstr("snapshot v1 is not published: [subset] names public.teams"));
  FollowerHasSubset();
  rotv.MustSync({"publish"});
}

TEST_F(SubsetRemoteTest, SnapshotsSectionsAndWhatItTakesHere) {
  MustFollow({"pull"});
  Exec("UPDATE users SET plan = 'team' WHERE id = 3");
  rotv.MustSync({"pull"});
  rotv.MustSync({"snapshot", "create", "on-the-way"});
  Exec("UPDATE users SET plan = 'team' WHERE id = 5");
  PullAndPublish();
  rotv.MustSync({"publish"});  // Nothing is new.
  FollowerHasSubset();
  EXPECT_EQ(ReadFile(FollowerSeed({"--snapshot", "on-the-way"})), OurSubset({"--snapshot", "on-the-way"}));
  rotv.MustSync({"snapshot", "create", "later"});
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  EXPECT_EQ(ReadFile(FollowerSeed({"--snapshot", "later"})), OurSubset());

  const auto status = [&] { return nlohmann::json::parse(rotv.MustSync({"--json", "publish", "--status"})); };
  EXPECT_TRUE(status().at("same_history"));
  EXPECT_EQ(status().at("unpublished_transactions"), 0);
  EXPECT_GT(status().at("subset_bytes"), 0);
  EXPECT_THAT(rotv.MustSync({"clean"}), HasSubstr("subsets"));

  Reconfigure("plan = 'team'", "plan = 'free'");
  EXPECT_FALSE(status().at("same_history"));
  rotv.MustSync({"publish"});
  EXPECT_TRUE(FollowerJson({"pull"}).at("whole"));
  EXPECT_EQ(ReadFile(FollowerSeed()), OurSubset());
  EXPECT_TRUE(status().at("same_history"));

  Reconfigure("\"public.users\" = { where = \"plan = 'free'\" }", "");
  const Command publish = rotv.SyncCommand({"publish"});
  const Result refused = RunCommand(publish);
  EXPECT_EQ(refused.exit_status, 2) << Describe(publish, refused);
  EXPECT_THAT(refused.err, HasSubstr("[subset] does not say where to start"));
}

TEST_F(SubsetRemoteTest, PartsOfTablesWithoutWhatTheyReference) {
  Reconfigure("subset = true\n",
              "exclude = [\"public.audit\", \"public.logins\"]\nsample = { \"public.items\" = 20 }\n"
              "where = { \"public.users\" = \"id <= 200\" }\n");
  const Command publish = rotv.SyncCommand({"publish"});
  const Result refused = RunCommand(publish);
  EXPECT_EQ(refused.exit_status, 2) << Describe(publish, refused);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("[remotes.team] leaves out rows that others reference"),
                    HasSubstr("orders_user_id_fkey of public.orders"), HasSubstr("users_invited_by_fkey")));

  Reconfigure("[remotes.team]", "missing_references = \"not_valid\"\n[remotes.team]");
  rotv.MustSync({"publish"});
  EXPECT_TRUE(FollowerJson({"pull"}).at("whole"));
  rotv.server().CreateDatabase("copy", "postgres");
  const Login copy{"copy", "postgres"};
  const Result psql = rotv.server().Psql(FollowerSeed(), copy, {"--single-transaction"});
  ASSERT_TRUE(psql.ok()) << psql.err;
  const auto count = [&](const std::string& table) {
    return rotv.server().Value("SELECT count(*) FROM " + table, copy);
  };
  EXPECT_EQ(count("users"), "200");
  EXPECT_EQ(count("orders"), "1000");
  EXPECT_EQ(count("audit"), "0");
  EXPECT_EQ(count("logins"), "0");
  EXPECT_LT(std::stoi(count("items")), 1500);
  EXPECT_GT(std::stoi(count("items")), 0);

  Exec("INSERT INTO users VALUES (1000, 'free'); UPDATE users SET country = 'c3' WHERE id = 7");
  PullAndPublish();
  EXPECT_FALSE(FollowerJson({"pull"}).at("whole"));
  EXPECT_THAT(ReadFile(FollowerSeed()), HasSubstr("\n7\tfree\tc3\t"));

  ExpectRefused("exclude = [\"public.audit\"", "exclude = [\"public.adit\"", "[remotes.team] names public.adit");
  ExpectRefused("id <= 200", "ids <= 200", "[remotes.team] has a condition on ids of public.users");
  ExpectRefused("where = {", "subset = true\nwhere = {", "has subset = true, and where, sample or exclude");
}

}  // namespace
}  // namespace rotv::testing
