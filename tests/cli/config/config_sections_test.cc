// The sections [mask], [schema] and [app] of rotv.toml.

#include "tests/cli/config/config_fixture.h"

namespace rotv {
namespace {

TEST_F(ConfigTest, ARemoteWithAPartOfTheRowsSaysWhich) {
  const std::string remote = "[remotes.a]\nurl = \"/srv/x\"\n";
  const std::string source = "[sources.a]\ndatabase = \"x\"\n";
  EXPECT_EQ(ComplaintOf(source + remote + "where = { \"public.t\" = \"id > 3\" }\nsample = { \"public.t\" = 5 }\n" +
                        "exclude = [\"tmp.*\"]\n"),
            "nothing");
  EXPECT_EQ(ComplaintOf(source + remote + "subset = true\n"), "nothing");
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"subset = true\nexclude = [\"public.t\"]", "has subset = true, and where, sample or exclude"},
      {"where = \"id > 3\"", "\"where\""},
      {"where = { \"t\" = \"id > 3\" }", "\"t\" does not name a table"},
      {"where = { \"public.*\" = \"id > 3\" }", "\"public.*\" names many tables"},
      {"where = { \"public.t\" = \"id\" }", "\"id\" is not a condition"},
      {"sample = { \"public.t\" = 101 }", "a number above 0, and at most 100"},
      {"sample = { \"public.t\" = 1 }\nexclude = [\"public.t\"]", "[remotes.a] has public.t twice"},
      {"exclude = \"public.t\"", "a list of tables"}};
  for (const auto& [line, words] : wrong) EXPECT_HAS(ComplaintOf(source + remote + line + "\n"), words);
}

TEST_F(ConfigTest, MaskingRulesAreReadForEverySource) {
  const std::string rules = R"([mask]
mask_unknown = "null"
mask_secret = "secrets/mask"
"public.users.email" = "email"
"*.*.phone" = "phone"
"public.\"odd.table\".\"a\"\"b\"" = { rule = "hash", length = 40 }
"public.t.n" = { rule = "number", by = 5 }
"public.t.d" = { rule = "date", days = 30 }
"public.t.p" = { rule = "password", value = "$2b$x" }
"public.t.j" = { rule = "json", paths = { "$.a" = "text", "$.b" = { rule = "constant", value = "x" } } }
"public.audit" = "drop"
"public.news" = "keep"
"reference.*" = "keep"
)";
  const MaskConfig mask = Read(rules + "[sources.a]\ndatabase = \"x\"\n").mask;
  ASSERT_EQ(mask.rules.size(), 10U);
  EXPECT_TRUE(mask.declared);
  EXPECT_EQ(mask.unknown, MaskUnknown::kNull);
  EXPECT_EQ(mask.secret_file, (directory_ / "secrets/mask").native());
  auto rule = [&](const std::string& pattern) {
    for (const MaskRule& candidate : mask.rules) {
      if (candidate.pattern == pattern) return candidate;
    }
    ADD_FAILURE() << pattern;
    return MaskRule{};
  };
  EXPECT_EQ(rule("*.*.phone").kind, MaskKind::kPhone);
  EXPECT_EQ(rule("public.news").kind, MaskKind::kKeep);
  EXPECT_EQ(rule("reference.*").parts, (std::vector<std::string>{"reference", "*"}));
  const MaskRule hash = rule("public.\"odd.table\".\"a\"\"b\"");
  EXPECT_EQ(hash.parts, (std::vector<std::string>{"public", "odd.table", "a\"b"}));
  EXPECT_EQ(hash.length, 40);
  EXPECT_EQ(rule("public.t.n").by, 5);
  EXPECT_EQ(rule("public.t.d").by, 30);
  EXPECT_EQ(rule("public.t.p").value, "$2b$x");
  ASSERT_EQ(rule("public.t.j").paths.size(), 2U);
  EXPECT_EQ(rule("public.t.j").paths[1].rule.value, "x");

  request_.environment["PRODUCTION_HOST"] = "db";
  request_.environment["PGDATABASE"] = "x";
  EXPECT_EQ(Read(rules).mask.rules.size(), 10U);
}

TEST_F(ConfigTest, ASubsetIsReadForEverySource) {
  const std::string section = R"([subset]
small = 50
others = "whole"
"public.users" = { percent = 0.5, where = "plan = 'team'", limit = 10 }
"public.\"odd.table\"" = { where = ["a = 1", "b is null"] }
"*.countries" = "whole"
"audit.*" = "exclude"
)";
  const SubsetConfig subset = Read(section + "[sources.a]\ndatabase = \"x\"\n").subset;
  EXPECT_TRUE(subset.declared && subset.has_start());
  EXPECT_EQ(subset.small, 50U);
  EXPECT_EQ(subset.others, SubsetConfig::Others::kWhole);
  ASSERT_EQ(subset.tables.size(), 4U);
  for (const SubsetTable& table : subset.tables) {
    if (table.pattern == "public.users") {
      EXPECT_EQ(table.percent_millionths, 500'000U);
      EXPECT_EQ(table.where, std::vector<std::string>{"plan = 'team'"});
      EXPECT_EQ(table.limit, 10U);
    } else if (table.where.size() == 2) {
      EXPECT_EQ(table.parts, (std::vector<std::string>{"public", "odd.table"}));
    } else {
      EXPECT_FALSE(table.is_start());
      EXPECT_EQ(table.take, table.pattern == "audit.*" ? SubsetTable::Take::kExclude : SubsetTable::Take::kWhole);
    }
  }
  SubsetConfig other = subset;
  std::swap(other.tables.front(), other.tables.back());
  EXPECT_EQ(SubsetFingerprint(other), SubsetFingerprint(subset)) << "the order of the lines means nothing";
  other.small = 51;
  EXPECT_NE(SubsetFingerprint(other), SubsetFingerprint(subset));
}

TEST_F(ConfigTest, AMalformedSubsetIsRefused) {
  for (const auto& [line, expected] : {std::pair{"\"users\" = \"whole\"", "unknown"},
                                       {"\"a.b.c\" = \"whole\"", "does not name a table"},
                                       {"\"a..b\" = \"whole\"", "does not name a table"},
                                       {"\"a.b\" = \"half\"", "\"a.b\" is \"half\""},
                                       {"\"a.b\" = 5", "\"a.b\""},
                                       {"\"a.b\" = {}", "\"a.b\""},
                                       {"\"a.b\" = { percent = 0 }", "\"percent\""},
                                       {"\"a.b\" = { percent = 100.1 }", "\"percent\""},
                                       {"\"a.b\" = { percent = nan }", "\"percent\""},
                                       {"\"a.b\" = { limit = 0 }", "\"limit\""},
                                       {"\"a.b\" = { where = [] }", "\"where\""},
                                       {"\"a.b\" = { where = \"a like 'x'\" }", "\"a like 'x'\" is not a condition"},
                                       {"\"a.b\" = { rows = 5 }", "rows"},
                                       {"\"a.*\" = { percent = 5 }", "names many tables"},
                                       {"small = -1", "\"small\""},
                                       {"others = \"all\"", "\"others\" is \"all\""}}) {
    const std::string complaint = ComplaintOf(std::string("[sources.a]\ndatabase = \"x\"\n[subset]\n") + line + "\n");
    EXPECT_HAS(complaint, expected);
    EXPECT_HAS(complaint, "rotv.toml:4: ");
  }
}

TEST_F(ConfigTest, MalformedMaskingRulesAreRefused) {
  for (const auto& [line, expected] :
       {std::pair{"\"public.users.email\" = \"emial\"", "there is no rule \"emial\" | "},
        {"\"email\" = \"email\"", "names neither a table nor a column"},
        {"\"a.b.c.d\" = \"email\"", "names neither a table nor a column"},
        {"\"a..c\" = \"email\"", "names neither a table nor a column"},
        {"\"a.b\" = \"email\"", "\"email\" is for columns"},
        {"\"a.b.c\" = \"drop\"", "\"drop\" is for tables"},
        {"\"a.b.c\" = 5", "is not a rule"},
        {"\"a.b.c\" = { length = 5 }", "does not say which rule"},
        {"\"a.b.c\" = { rule = \"hash\", length = 0 }", "out of range"},
        {"\"a.b.c\" = { rule = \"email\", length = 5 }", "does not take \"length\""},
        {"\"a.b.c\" = \"number\"", "\"number\" needs \"by\""},
        {"\"a.b.c\" = \"password\"", "\"password\" needs \"value\""},
        {"\"a.b.c\" = { rule = \"number\", by = 1 }", "out of range"},
        {"\"a.b.c\" = { rule = \"json\", paths = {} }", "has no paths"},
        {"\"a.b.c\" = { rule = \"json\", paths = { \"$.a\" = \"keep\" } }", "not a rule for a part"},
        {"\"a.b\" = \"where\"", "\"where\" needs \"all\""},
        {"\"a.b\" = { rule = \"where\", all = [] }", "\"all\" has no conditions"},
        {"\"a.b\" = { rule = \"where\", all = [5] }", "\"all\" is not a condition"},
        {"\"a.b\" = { rule = \"where\", all = [\"a like 'x'\"] }", "\"a like 'x'\" is not a condition"},
        {"\"a.b.c\" = { rule = \"where\", all = [\"a = 1\"] }", "\"where\" is for tables"},
        {"mask_unknown = \"ignore\"", "\"mask_unknown\" is \"ignore\""}}) {
    const std::string complaint = ComplaintOf(std::string("[sources.a]\ndatabase = \"x\"\n[mask]\n") + line + "\n");
    EXPECT_HAS(complaint, expected);
    EXPECT_HAS(complaint, "rotv.toml:4: ");
  }
  EXPECT_HAS(ComplaintOf("mask = true\n"), "\"mask\" is true or false");
}

TEST_F(ConfigTest, SettingsOfTheServerAreReadAndChecked) {
  for (const auto& [line, expected] :
       {std::pair{"settings = \"x\"", "\"settings\" is a string"},
        {"settings = { work_mem = [] }", "\"work_mem\" is an array"},
        {"settings = { \"a b\" = 1 }", "\"settings\" has the name \"a b\""},
        {"settings = { Port = 1 }", "\"settings\" sets port, which rotv sets itself"},
        {"settings = { hba_file = \"x\" }", "sets hba_file"},
        {"settings = { include = \"x\" }", "sets include"},
        {"settings = { work_mem = \"a\\nb\" }", "expected a string"},
        {"skip_extensions = \"pg_cron\"", "expected an array of strings, for example [\"pg_cron\"]"},
        {"skip_extension = []", "did you mean \"skip_extensions\"?"}}) {
    const std::string complaint = ComplaintOf(std::string("[sources.a]\ndatabase = \"x\"\n[app]\n") + line + "\n");
    EXPECT_HAS(complaint, expected);
    EXPECT_HAS(complaint, "rotv.toml:4: ");
  }
}

TEST_F(ConfigTest, TheSchemaSectionIsReadAndChecked) {
  for (const auto& [line, expected] :
       {std::pair{"migrations = 5", "\"migrations\" is a whole number"},
        {"migrations = \"\"", "\"migrations\" is empty"},
        {"roles = \"reader\"", "\"roles\" is a string | expected an array of strings"},
        {"ignore = [5]", "\"ignore\" holds a whole number"},
        {"warn_at_start = \"yes\"", "\"warn_at_start\" is a string"},
        {"migration = \"x\"", "unknown key \"migration\" in [schema] | did you mean \"migrations\"?"},
        {"password = \"x\"", "passwords are not kept in this file"}}) {
    const std::string complaint = ComplaintOf(std::string("[sources.a]\ndatabase = \"x\"\n[schema]\n") + line + "\n");
    EXPECT_HAS(complaint, expected);
    EXPECT_HAS(complaint, "rotv.toml:4: ");
  }
  EXPECT_EQ(ComplaintOf("[sources.a]\ndatabase = \"x\"\n[schema]\nmigrations = \"db\"\nroles = [\"r\"]\n"), "nothing");
}

TEST_F(ConfigTest, TheApplicationHasDefaults) {
  config::AppConfig app = config::Config(request_).App();
  EXPECT_EQ(app.directory, std::filesystem::canonical(directory_));
  EXPECT_EQ(app.port, 8080);
  EXPECT_EQ(app.health, "/api/health");
  EXPECT_EQ(app.tmpfs_bytes, 0U);
  EXPECT_FALSE(app.persistent);
  EXPECT_FALSE(app.superuser);
}

TEST_F(ConfigTest, TheApplicationSectionIsRead) {
  std::filesystem::create_directories(directory_ / "my app");
  Write("rotv.toml",
        "[app]\ndirectory = \"my app\"\nport = 3000\ntmpfs_size = \"2G\"\ncompression = \"zstd\"\npersistent = "
        "true\nsuperuser = true\n"
        "health = \"/up\"\nimage = \"localhost/x\"\ncommand = \"node x.js\"\n");
  config::AppConfig app = config::Config(request_).App();
  EXPECT_EQ(app.directory, std::filesystem::canonical(directory_ / "my app"));
  EXPECT_EQ(app.port, 3000);
  EXPECT_EQ(app.tmpfs_bytes, uint64_t{2} << 30);
  EXPECT_EQ(app.compression, Compression::kZstd);
  EXPECT_TRUE(app.persistent);
  EXPECT_TRUE(app.superuser);
  EXPECT_EQ(app.health, "/up");
  EXPECT_EQ(app.image, "localhost/x");
  EXPECT_EQ(app.command, "node x.js");
}

TEST_F(ConfigTest, AConfigInTheHomeDirectoryAppliesToTheApplicationInTheCurrentDirectory) {
  Write("home/rotv.toml", "[app]\nport = 3000\n");
  config::AppConfig app = config::Config(request_).App();
  EXPECT_EQ(app.port, 3000);
  EXPECT_EQ(app.directory, std::filesystem::canonical(directory_));
}

TEST_F(ConfigTest, ErrorsInTheApplicationSectionNameTheirLine) {
  EXPECT_HAS(ComplaintOf("[app]\nports = 1\n"), "rotv.toml:2: unknown key \"ports\" in [app] | did you mean \"port\"?");
  EXPECT_HAS(ComplaintOf("[app]\ntmpfs_size = \"2 GB\"\n"), "rotv.toml:2: \"tmpfs_size\" is not a size");
  EXPECT_HAS(ComplaintOf("[app]\ntmpfs_size = \"0\"\n"), "is not a size");
  EXPECT_HAS(ComplaintOf("[app]\ncompression = \"xz\"\n"), "\"compression\" is \"xz\"");
  EXPECT_HAS(ComplaintOf("[app]\nclone = \"link\"\n"), "\"clone\" is \"link\"");
  EXPECT_HAS(ComplaintOf("[app]\npersistent = \"yes\"\n"), "\"persistent\" is a string");
  EXPECT_HAS(ComplaintOf("[app]\nhealth = \"up\"\n"), "\"health\" is \"up\"");
  EXPECT_HAS(ComplaintOf("[app]\npassword = \"x\"\n"), "passwords are not kept");
}

}  // namespace
}  // namespace rotv
