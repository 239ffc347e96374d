// No code that an owner of tables has put on the source runs with our rights, whichever command reads it: even if we
// are the superuser.

#include "tests/support/servers/table_owner.h"

#include <gmock/gmock.h>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kRules = R"(
[mask]
mask_unknown = "keep"
"shop.people.email" = "email"
"shop.people.name" = "name"
"shop.people.code" = "text"
"shop.people.mood" = { rule = "constant", value = "glad" }
"shop.people.mail" = "text"
)";

RotvHomeOptions OwnerOptions() {
  RotvHomeOptions options;
  options.binary = ROTV_SYNC_BINARY;
  options.source_settings = {{"user", "\"postgres\""}};
  options.more_config = kRules;
  return options;
}

class TableOwnerTest : public ::testing::Test {
 protected:
  TableOwnerTest() : rotv(OwnerOptions()), owner(rotv.server()) { owner.Plant(); }

  // Runs the command, which may end with any status.
  Result IsSafe(const std::vector<std::string>& arguments) {
    Result result = rotv.Sync(arguments);
    EXPECT_THAT(owner.Caught(), IsEmpty()) << arguments.front() << "\n" << result.out << result.err;
    EXPECT_FALSE(owner.IsSuperuser()) << arguments.front();
    return result;
  }
  void IsSafeAndWorks(const std::vector<std::string>& arguments) {
    const Result result = IsSafe(arguments);
    EXPECT_EQ(result.exit_status, 0) << arguments.front() << "\n" << result.out << result.err;
  }

  RotvHome rotv;
  TableOwner owner;
};

TEST_F(TableOwnerTest, NoCommandRunsCodeOfTheOwner) {
  const Result doctor = IsSafe({"doctor"});
  EXPECT_EQ(doctor.exit_status, 0) << doctor.out;
  EXPECT_THAT(doctor.out, HasSubstr("9 constraints on masked values are not checked"));
  EXPECT_THAT(doctor.out, HasSubstr("shop.people: index people_trap_idx"));
  EXPECT_THAT(doctor.out, HasSubstr("shop.people.code: domain shop.code"));
  IsSafeAndWorks({"baseline"});
  IsSafe({"mask", "suggest"});
  owner.Exec(
      "UPDATE shop.people SET email = email || '.later', code = 'd' || id WHERE id < 10; DELETE FROM shop.people WHERE "
      "id = 11; INSERT INTO shop.bag VALUES ('three', 'glad')");
  IsSafeAndWorks({"pull"});
  owner.Exec("ALTER TABLE shop.people ADD more text DEFAULT shop.trap('default', 'x')");
  IsSafeAndWorks({"pull"});
  IsSafeAndWorks({"mask", "check"});
  IsSafeAndWorks({"verify"});
  IsSafeAndWorks({"status"});
  IsSafeAndWorks({"materialize"});
  IsSafeAndWorks({"baseline", "--force"});
  IsSafeAndWorks({"detach"});
}

// The names of tables are known from an earlier run.
TEST_F(TableOwnerTest, AViewThatReplacesATableIsNotRead) {
  IsSafeAndWorks({"baseline"});
  owner.SwapForView("shop.bag", "'v' || n AS v, 'glad'::shop.mood AS mood");
  IsSafeAndWorks({"pull"});
  owner.Exec("DROP VIEW shop.bag; ALTER TABLE shop.swapped RENAME TO bag");
  IsSafeAndWorks({"pull"});
  owner.Exec("ALTER TABLE shop.people DISABLE ROW LEVEL SECURITY");
  IsSafeAndWorks({"pull"});
  owner.SwapForView(
      "shop.people",
      "n AS id, 'e' AS email, 'n' AS name, 'c' AS code, 'glad' AS mood, 'p' AS pair, 's' AS shown, 'm' AS "
      "mail");
  const Result checked = IsSafe({"mask", "check"});
  EXPECT_EQ(checked.exit_status, 4) << checked.err;
  EXPECT_THAT(checked.err, HasSubstr("rotv-sync pull"));
  IsSafe({"doctor"});
  IsSafe({"verify"});
  IsSafe({"pull"});
}

}  // namespace
}  // namespace rotv::testing
