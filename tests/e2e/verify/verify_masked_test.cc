// `verify` of tables with masked columns: unmasked columns are compared all the same.
//
// Labels: asan

#include <gmock/gmock.h>

#include "tests/e2e/verify/verify_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RotvHomeOptions Options() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  options.more_config =
      "[mask]\n\"public.keyed.mail\" = \"email\"\n\"public.bag.mail\" = \"text\"\n\"public.by_mail.mail\" = \"email\"\n"
      "\"public.all.mail\" = \"text\"\n\"public.part\" = { rule = \"sample\", percent = 50 }\n"
      "\"public.chosen\" = { rule = \"where\", all = [\"n > 5\"] }\n";
  return options;
}

class VerifyMaskedTest : public VerifyTest {
 protected:
  VerifyMaskedTest() : VerifyTest(Options()) {
    Exec(
        "CREATE TABLE keyed (id int PRIMARY KEY, mail text, plain text);"
        "CREATE TABLE bag (mail text, plain int); ALTER TABLE bag REPLICA IDENTITY FULL;"
        "CREATE TABLE \"all\" (mail text); ALTER TABLE \"all\" REPLICA IDENTITY FULL;"
        "CREATE TABLE by_mail (mail text PRIMARY KEY, n int); CREATE TABLE part (id int PRIMARY KEY);"
        "CREATE TABLE chosen (id int PRIMARY KEY, n int); CREATE TABLE calm (id int PRIMARY KEY);"
        "INSERT INTO keyed SELECT n, CASE WHEN n % 3 > 0 THEN 'planted' || n END, 'plain\t' || n FROM "
        "generate_series(1, 30000) n;"
        "INSERT INTO bag SELECT 'planted', n % 10 FROM generate_series(1, 1000) n; INSERT INTO \"all\" VALUES "
        "('planted'), ('planted'), (NULL);"
        "INSERT INTO by_mail VALUES ('planted', 1); INSERT INTO part SELECT generate_series(1, 100);"
        "INSERT INTO chosen SELECT n, n FROM generate_series(1, 10) n; INSERT INTO calm VALUES (1)");
    rotv.MustSync({"baseline"});
  }
};

TEST_F(VerifyMaskedTest, UnmaskedColumnsAreCompared) {
  json report = Verify(0);
  EXPECT_THAT(report["masked"].get<std::vector<std::string>>(),
              ::testing::UnorderedElementsAre("public.by_mail", "public.chosen", "public.part"));
  EXPECT_THAT(report["in_part"].get<std::vector<std::string>>(),
              ::testing::UnorderedElementsAre("public.\"all\"", "public.bag", "public.keyed"));
  EXPECT_EQ(TableOf(report, "public.keyed")["rows"], 30000);
  EXPECT_EQ(TableOf(report, "public.bag")["rows"], 1000);
  const std::string text = rotv.MustSync({"verify"});
  EXPECT_THAT(text, HasSubstr("The store is equal to production"));
  EXPECT_THAT(
      text,
      HasSubstr("; 3 tables were not compared, because of masking; 3 tables compared without the masked columns"));
}

TEST_F(VerifyMaskedTest, DamageIsFoundAndRepairedWithMasks) {
  std::string key;
  AppendIntegerKey("17", &key);
  {
    Damage damage(rotv, "public.keyed");
    damage.Write(key, "17\tmade@example.com\tsomething else");
  }
  json report = Verify(7);
  EXPECT_EQ(TableOf(report, "public.keyed")["difference"]["different"], 1) << report.dump(2);
  EXPECT_THAT(report.dump(), HasSubstr("17"));
  report = Verify(0, {"--repair"});
  EXPECT_EQ(report["equal"], true);
  const std::string seed = ReadFile(rotv.Seed());
  EXPECT_THAT(seed, HasSubstr("plain\\t17\n"));
  EXPECT_THAT(seed, Not(HasSubstr("planted")));

  // verify does not compare a masked column.
  {
    Damage damage(rotv, "public.keyed");
    damage.Write(key, "17\tother@example.com\tplain\\t17");
  }
  EXPECT_EQ(Verify(0)["equal"], true);
}

TEST_F(VerifyMaskedTest, MissingAndExtraRowsAreFound) {
  std::string key;
  AppendIntegerKey("20000", &key);
  {
    Damage damage(rotv, "public.keyed");
    damage.Remove(key);
    key.clear();
    AppendIntegerKey("40000", &key);
    damage.Write(key, "40000\t\\N\tplain");
  }
  const json keyed = TableOf(Verify(7), "public.keyed");
  EXPECT_EQ(keyed.at("difference").at("missing"), 1);
  EXPECT_EQ(keyed.at("difference").at("extra"), 1);
  EXPECT_EQ(Verify(0, {"--repair"})["equal"], true);
}

}  // namespace
}  // namespace rotv::testing
