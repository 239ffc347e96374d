#include "cli/config/config.h"

#include <functional>

#include "tests/cli/config/config_fixture.h"

namespace rotv {
namespace {

TEST_F(ConfigTest, EveryKeyIsRead) {
  SourceConfig source = Read(R"(
[sources.production]
ssh         = "root@db.example.org:22422"
identity    = "~/.ssh/id_ed25519"
known_hosts = "keys/known_hosts"
container   = "rootsofthevalley.org"
runtime     = "docker"
host        = "/tmp/pgsocket"
port        = 6543
database    = "rotv"
user        = "reader"
exclude     = ["public.page_views", "audit.log"]
missing_references = "not_valid"
trust       = true
)");
  EXPECT_EQ(source.name, "production");
  EXPECT_EQ(source.ssh, "root@db.example.org:22422");
  EXPECT_EQ(source.identity, "/people/ada/.ssh/id_ed25519");
  EXPECT_EQ(source.known_hosts, (directory_ / "keys/known_hosts").native());
  EXPECT_EQ(source.container, "rootsofthevalley.org");
  EXPECT_EQ(source.runtime, "docker");
  EXPECT_EQ(source.host, "/tmp/pgsocket");
  EXPECT_EQ(source.port, 6543);
  EXPECT_EQ(source.database, "rotv");
  EXPECT_EQ(source.user, "reader");
  EXPECT_EQ(source.exclude, (std::vector<std::string>{"public.page_views", "audit.log"}));
  EXPECT_EQ(source.missing_references, MissingReferences::kNotValid);
  EXPECT_TRUE(source.trust);
}

TEST_F(ConfigTest, DefaultsArePodmanAndPort5432) {
  SourceConfig source = Read("[sources.a]\nssh = \"db\"\ndatabase = \"x\"\n");
  EXPECT_EQ(source.runtime, "podman");
  EXPECT_EQ(source.port, 5432);
  EXPECT_EQ(source.identity, "");
  EXPECT_FALSE(source.trust);
  EXPECT_EQ(source.missing_references, MissingReferences::kRefuse);
}

TEST_F(ConfigTest, MissingReferencesAreOneOfTwoWords) {
  EXPECT_HAS(ComplaintOf("[sources.a]\nurl = \"postgresql://db/x\"\nmissing_references = \"drop\"\n"),
             "rotv.toml:3: \"missing_references\" is \"drop\"");
  EXPECT_EQ(ComplaintOf("[sources.a]\nurl = \"postgresql://db/x\"\nmissing_references = \"refuse\"\n"), "nothing");
}

TEST_F(ConfigTest, SshMayBeLeftOutForADirectConnection) {
  SourceConfig source = Read("[sources.a]\nhost = \"localhost\"\ndatabase = \"x\"\n");
  EXPECT_EQ(source.ssh, "");
  EXPECT_EQ(source.host, "localhost");
}

TEST_F(ConfigTest, AUrlIsEnough) {
  SourceConfig source = Read("[sources.a]\nurl = \"postgresql://rotv@db.example.org/rotv?sslmode=verify-full\"\n");
  EXPECT_EQ(source.url, "postgresql://rotv@db.example.org/rotv?sslmode=verify-full");
}

TEST_F(ConfigTest, SyntaxErrorsHaveALine) {
  std::string complaint = ComplaintOf("[sources.a]\nssh = \"db\"\ndatabase = \n");
  EXPECT_EQ(complaint.substr(0, 12), "rotv.toml:3:") << complaint;
}

TEST_F(ConfigTest, AKeyGivenTwiceIsASyntaxError) {
  EXPECT_HAS(ComplaintOf("[sources.a]\ndatabase = \"x\"\ndatabase = \"y\"\n"), "rotv.toml:3:");
}

TEST_F(ConfigTest, UnknownKeysAreRefusedWithTheNearestOne) {
  EXPECT_EQ(ComplaintOf("[sources.a]\nssh = \"db\"\ndatabse = \"x\"\n"),
            "rotv.toml:3: unknown key \"databse\" in [sources.a] | did you mean \"database\"?");
}

TEST_F(ConfigTest, UnknownSectionsAreRefused) {
  EXPECT_EQ(ComplaintOf("[sources.a]\ndatabase = \"x\"\n[masks]\n\"public.users.email\" = \"email\"\n"),
            "rotv.toml:3: unknown key \"masks\" | did you mean \"mask\"?");
}

TEST_F(ConfigTest, WrongTypesAreRefusedWithWhatIsExpected) {
  EXPECT_EQ(ComplaintOf("[sources.a]\nport = \"5432\"\n"),
            "rotv.toml:2: \"port\" is a string | expected a whole number from 1 to 65535, without quotes");
  EXPECT_EQ(ComplaintOf("[sources.a]\ndatabase = 3\n"),
            "rotv.toml:2: \"database\" is a whole number | expected a string, in quotes");
  EXPECT_HAS(ComplaintOf("[sources.a]\nexclude = \"public.t\"\n"), "rotv.toml:2: \"exclude\" is a string");
  EXPECT_HAS(ComplaintOf("[sources.a]\nexclude = [\n\"public.t\",\n3]\n"),
             "rotv.toml:4: \"exclude\" holds a whole number");
  EXPECT_HAS(ComplaintOf("sources = 3\n"), "rotv.toml:1: \"sources\" is a whole number");
  EXPECT_HAS(ComplaintOf("[[sources]]\nssh = \"db\"\n"), "\"sources\" is an array");
  EXPECT_HAS(ComplaintOf("[sources]\nssh = \"db\"\n"), "expected a table for each source");
}

TEST_F(ConfigTest, EmptyValuesAreRefused) {
  EXPECT_HAS(ComplaintOf("[sources.a]\nssh = \"\"\n"), "rotv.toml:2: \"ssh\" is empty");
}

TEST_F(ConfigTest, UrlExcludesEveryOtherAddressKey) {
  for (const char* line : {"ssh = \"db\"", "host = \"db\"", "port = 5432", "database = \"x\"", "user = \"x\"",
                           "container = \"x\"", "runtime = \"docker\"", "identity = \"k\""}) {
    std::string text = std::string("[sources.a]\nurl = \"postgresql://db/x\"\n") + line + "\n";
    EXPECT_HAS(ComplaintOf(text), "rotv.toml:3: ");
    EXPECT_HAS(ComplaintOf(text), "exclude each other");
  }
  EXPECT_EQ(ComplaintOf("[sources.a]\nurl = \"postgresql://db/x\"\nexclude = [\"public.t\"]\ntrust = true\n"),
            "nothing");
}

TEST_F(ConfigTest, TheDatabaseMustBeNamed) {
  EXPECT_HAS(ComplaintOf("\n[sources.a]\nssh = \"db\"\n"), "rotv.toml:2: database is missing");
  EXPECT_HAS(ComplaintOf("[sources.a]\nurl = \"postgresql://db\"\n"), "url names no database");
  EXPECT_HAS(ComplaintOf("[sources.a]\nurl = \"postgresql://db/?sslmode=require\"\n"), "url names no database");
  EXPECT_EQ(ComplaintOf("[sources.a]\nurl = \"postgresql://db?dbname=x\"\n"), "nothing");
}

TEST_F(ConfigTest, ARemoteIsADirectoryAnS3StoreOrAWebServer) {
  const SourceConfig s3 = Read(
      "[sources.a]\nremote = \"s3://bucket/p\"\nendpoint = \"https://s3.example.org\"\nregion = \"r\"\n"
      "path_style = false\nretries = 3\n");
  EXPECT_EQ(s3.remote, "s3://bucket/p");
  EXPECT_EQ(s3.s3.endpoint, "https://s3.example.org");
  EXPECT_EQ(s3.s3.region, "r");
  EXPECT_EQ(s3.s3.path_style, false);
  EXPECT_EQ(s3.retries, 3);
  const std::string team = "[remotes.team]\nurl = \"s3://bucket/p\"\nregion = \"r\"\nsingle_publisher = true\n";
  EXPECT_EQ(Read("[sources.a]\nremote = \"team\"\n" + team).s3.region, "r");
  EXPECT_EQ(Read("[sources.a]\nremote = \"team\"\nregion = \"own\"\n" + team).s3.region, "own");
  const SourceConfig web = Read("[sources.a]\nremote = \"https://example.org/x?signature=secret\"");
  EXPECT_EQ(web.remote, "https://example.org/x");
  EXPECT_EQ(web.remote_query, "signature=secret");
  EXPECT_EQ(Read("[sources.a]\nremote = \"http://127.0.0.1:80/x\"").remote, "http://127.0.0.1:80/x");

  const std::string source = "[sources.a]\nremote = \"s3://bucket/p\"\n";
  EXPECT_HAS(ComplaintOf("[sources.a]\nremote = \"http://example.org/x\""), "could be read on the way");
  EXPECT_HAS(ComplaintOf("[sources.a]\nremote = \"https://me:secret@example.org/x\""), "~/.netrc");
  EXPECT_HAS(ComplaintOf("[sources.a]\nremote = \"ftp://example.org/x\""), "not a place that this program knows");
  EXPECT_HAS(ComplaintOf("[sources.a]\nremote = \"/srv/x\"\nregion = \"r\""), "for remotes in an S3 store");
  EXPECT_HAS(ComplaintOf("[remotes.a]\nurl = \"/srv/x\"\nsingle_publisher = true"), "for remotes in an S3 store");
  EXPECT_HAS(ComplaintOf(source + "single_publisher = true"), "exclude each other");
  for (const char* key : {"secret_access_key", "aws_secret_access_key", "access_key", "session_token"}) {
    EXPECT_HAS(ComplaintOf(source + key + " = \"x\""), "credentials are not kept in this file");
    EXPECT_HAS(ComplaintOf(team + key + " = \"x\""), "credentials are not kept in this file");
  }
}

TEST_F(ConfigTest, RuntimesOtherThanPodmanAndDockerAreRefused) {
  EXPECT_HAS(ComplaintOf("[sources.a]\ndatabase = \"x\"\nruntime = \"lxc\"\n"), "rotv.toml:3: runtime");
}

TEST_F(ConfigTest, PortsOutOfRangeAreRefused) {
  for (const char* port : {"0", "-1", "65536", "4294972728", "9223372036854775807"}) {
    EXPECT_HAS(ComplaintOf(std::string("[sources.a]\ndatabase = \"x\"\nport = ") + port), "rotv.toml:3: port");
  }
  EXPECT_EQ(ComplaintOf("[sources.a]\ndatabase = \"x\"\nport = 65535"), "nothing");
}

TEST_F(ConfigTest, RetriesAreANumberThatIsNotLarge) {
  for (const char* retries : {"-1", "101", "\"8\"", "2.5", "true"}) {
    EXPECT_HAS(ComplaintOf(std::string("[sources.a]\ndatabase = \"x\"\nretries = ") + retries),
               " | expected a number from 0 to 100: 8");
  }
  EXPECT_HAS(ComplaintOf("[sources.a]\ndatabase = \"x\"\nretrie = 3"), "did you mean \"retries\"?");
  EXPECT_EQ(Read("[sources.a]\ndatabase = \"x\"").retries, 8);
  EXPECT_EQ(Read("[sources.a]\ndatabase = \"x\"\nretries = 0").retries, 0);
  EXPECT_EQ(Read("[sources.a]\nurl = \"postgresql://db/x\"\nretries = 100").retries, 100);
}

TEST_F(ConfigTest, CompressIsOneOfTwoWordsAndBelongsToSsh) {
  const std::string source = "[sources.a]\ndatabase = \"x\"\n";
  EXPECT_EQ(Read(source).compress, Compress::kNever);
  EXPECT_EQ(Read(source + "compress = \"always\"").compress, Compress::kAlways);
  EXPECT_EQ(Read(source + "compress = \"never\"").compress, Compress::kNever);
  EXPECT_HAS(ComplaintOf(source + "compress = \"yes\""), "expected \"always\" or \"never\"");
  EXPECT_HAS(ComplaintOf(source + "compress = true"), "rotv.toml:3: ");
  EXPECT_HAS(ComplaintOf("[sources.a]\nurl = \"postgresql://db/x\"\ncompress = \"never\""), "exclude each other");
}

TEST_F(ConfigTest, DecodingMemoryIsASizeInMegabytes) {
  const std::string source = "[sources.a]\nurl = \"postgresql://db/x\"\n";
  EXPECT_EQ(Read(source).decoding_memory_mb, 0);
  EXPECT_EQ(Read(source + "decoding_memory = \"1G\"").decoding_memory_mb, 1024);
  EXPECT_EQ(Read(source + "decoding_memory = \"256M\"").decoding_memory_mb, 256);
  for (const char* wrong : {"\"1000\"", "\"2G\"", "\"much\"", "256"}) {
    EXPECT_HAS(ComplaintOf(source + "decoding_memory = " + wrong), "rotv.toml:3: ");
  }
}

TEST_F(ConfigTest, SourceNamesMustSuitDirectories) {
  for (const char* name : {"\"a/b\"", "\"..\"", "\".hidden\"", "\"\"", "\"a b\"", "\"ä\""}) {
    EXPECT_HAS(ComplaintOf(std::string("[sources.") + name + "]\ndatabase = \"x\"\n"),
               "cannot be the name of a source");
  }
  EXPECT_HAS(ComplaintOf("[sources." + std::string(65, 'x') + "]\ndatabase = \"x\"\n"), "cannot be the name");
  EXPECT_EQ(Read("[sources.\"A-1_b.c\"]\ndatabase = \"x\"\n").name, "A-1_b.c");
}

TEST_F(ConfigTest, PasswordsAreRefusedEverywhereAndNotRepeated) {
  for (const char* text : {
           "[sources.a]\npassword = \"s3cret\"\n",
           "[sources]\npassword = \"s3cret\"\n",
           "password = \"s3cret\"\n",
           "[sources.a]\nurl = \"postgresql://u:s3cret@db/x\"\n",
           "[sources.a]\nurl = \"postgresql://u:s3/cret@db/x\"\n",
           "[sources.a]\nurl = \"postgresql://db/x?password=s3cret\"\n",
           "[sources.a]\nurl = \"postgresql://db/x?sslmode=require&pass%77ord=s3cret\"\n",
           "[sources.a]\nssh = \"root:s3cret@db\"\ndatabase = \"x\"\n",
           "[sources.a]\ndatabase = \"postgresql://u:s3cret@db/x\"\n",
       }) {
    std::string complaint = ComplaintOf(text);
    EXPECT_HAS(complaint, "passw") << text;
    EXPECT_THAT(complaint, ::testing::Not(::testing::HasSubstr("cret")));
  }
}

TEST_F(ConfigTest, AColonInAUrlIsNotAlwaysAPassword) {
  EXPECT_EQ(ComplaintOf("[sources.a]\nurl = \"postgresql://u@db:5433/x?application_name=a:b@c\"\n"), "nothing");
  EXPECT_EQ(ComplaintOf("[sources.a]\nurl = \"postgresql://u:@db/x\"\n"), "nothing");
  EXPECT_EQ(ComplaintOf("[sources.a]\nssh = \"ssh://root@db:22\"\ndatabase = \"x\"\n"), "nothing");
}

TEST_F(ConfigTest, UrlsWithoutThePostgresqlSchemeAreRefused) {
  EXPECT_HAS(ComplaintOf("[sources.a]\nurl = \"host=db dbname=x\"\n"), "does not start with postgresql://");
}

TEST_F(ConfigTest, ValuesThatWouldBeReadAsOptionsAreRefused) {
  EXPECT_HAS(ComplaintOf("[sources.a]\ndatabase = \"x\"\nssh = \"-oProxyCommand=x\"\n"), "rotv.toml:3: ssh");
  EXPECT_HAS(ComplaintOf("[sources.a]\ndatabase = \"x\"\ncontainer = \"--latest\"\n"), "rotv.toml:3: container");
  EXPECT_HAS(ComplaintOf("[sources.a]\ndatabase = \"x\"\nhost = \"a\\nb\"\n"), "rotv.toml:3: host holds a control");
}

TEST_F(ConfigTest, ExcludedTablesAreNamedWithTheirSchema) {
  EXPECT_HAS(ComplaintOf("[sources.a]\ndatabase = \"x\"\nexclude = [\"page_views\"]\n"), "rotv.toml:3: exclude");
  EXPECT_HAS(ComplaintOf("[sources.a]\ndatabase = \"x\"\nexclude = ['\"public\".\"t\"']\n"), "rotv.toml:3: exclude");
}

TEST_F(ConfigTest, AnEmptyMaskSectionCountsAsPresent) {
  EXPECT_FALSE(Read("[mask]\n[sources.a]\ndatabase = \"x\"\n").mask.empty());
  EXPECT_TRUE(Read("[sources.a]\ndatabase = \"x\"\n").mask.empty());
}

TEST_F(ConfigTest, TheOnlySourceNeedsNoChoice) {
  EXPECT_EQ(Read("[sources.staging]\ndatabase = \"x\"\n").name, "staging");
}

TEST_F(ConfigTest, ProductionIsTheDefaultOfSeveralSources) {
  EXPECT_EQ(Read("[sources.a]\ndatabase = \"x\"\n[sources.production]\ndatabase = \"y\"\n").name, "production");
  EXPECT_HAS(ComplaintOf("[sources.a]\ndatabase = \"x\"\n[sources.b]\ndatabase = \"y\"\n"), "the sources are: a, b");
}

TEST_F(ConfigTest, AnUnknownSourceIsRefusedAndExistingOnesAreListed) {
  request_.source = "stagign";
  EXPECT_EQ(ComplaintOf("[sources.staging]\ndatabase = \"x\"\n[sources.production]\ndatabase = \"y\"\n"),
            "there is no source \"stagign\" | did you mean \"staging\"? the sources are: production, staging");
}

TEST_F(ConfigTest, AllSourcesAreCheckedNotOnlyTheChosenOne) {
  request_.source = "a";
  EXPECT_HAS(ComplaintOf("[sources.a]\ndatabase = \"x\"\n[sources.b]\nport = 0\n"), "rotv.toml:4: port");
}

TEST_F(ConfigTest, FilesAreSearchedInTheDocumentedOrder) {
  auto with = [](const std::string& name) { return "[sources." + name + "]\ndatabase = \"x\"\n"; };
  Write("home/rotv.toml", with("of_home"));
  EXPECT_EQ(config::Config(request_).Source().name, "of_home");
  Write("rotv.toml", with("of_directory"));
  EXPECT_EQ(config::Config(request_).Source().name, "of_directory");
  Write("variable.toml", with("of_variable"));
  request_.environment["ROTV_CONFIG"] = directory_ / "variable.toml";
  EXPECT_EQ(config::Config(request_).Source().name, "of_variable");
  Write("option.toml", with("of_option"));
  request_.config = directory_ / "option.toml";
  EXPECT_EQ(config::Config(request_).Source().name, "of_option");
}

TEST_F(ConfigTest, ANamedFileMustExist) {
  Write("rotv.toml", "[sources.a]\ndatabase = \"x\"\n");
  request_.config = directory_ / "missing.toml";
  EXPECT_EQ(Complaint(), "there is no config file missing.toml | --config names it: correct the path");
  request_.config.clear();
  request_.environment["ROTV_CONFIG"] = directory_ / "missing.toml";
  EXPECT_HAS(Complaint(), "ROTV_CONFIG names it");
  request_.environment["ROTV_CONFIG"] = directory_;
  EXPECT_HAS(Complaint(), "cannot be read");
}

TEST_F(ConfigTest, RelativePathsAreRelativeToTheConfigFile) {
  Write("etc/own.toml", "[sources.a]\nssh = \"db\"\ndatabase = \"x\"\nidentity = \"../key\"\n");
  request_.config = directory_ / "etc/own.toml";
  EXPECT_EQ(config::Config(request_).Source().identity, (directory_ / "key").native());
}

TEST_F(ConfigTest, WithoutSourcesTheVariablesAreUsed) {
  request_.environment["PRODUCTION_HOST"] = "db.example.org";
  request_.environment["PGDATABASE"] = "rotv";
  EXPECT_EQ(config::Config(request_).Source().ssh, "root@db.example.org");
  EXPECT_EQ(Read("# nothing here\n").ssh, "root@db.example.org");
  EXPECT_EQ(Read("[sources.a]\ndatabase = \"x\"\n").name, "a");
}

TEST_F(ConfigTest, TheVariablesDefineOnlyProduction) {
  request_.environment["PRODUCTION_HOST"] = "db.example.org";
  request_.environment["PGDATABASE"] = "rotv";
  request_.source = "staging";
  EXPECT_HAS(Complaint(), "there is no source \"staging\" | the sources are: production");
}

TEST_F(ConfigTest, WithoutAnyConfigAMinimalOneIsShown) {
  EXPECT_HAS(Complaint(), "there is no rotv.toml");
  EXPECT_HAS(Complaint(), "[sources.production]");
  EXPECT_HAS(ComplaintOf(""), "rotv.toml has no [sources.NAME]");
}

TEST_F(ConfigTest, FilesLargerThanAnyConfigAreRefused) {
  EXPECT_HAS(ComplaintOf(std::string(2 << 20, '#')), "larger than 1 MiB");
}

TEST_F(ConfigTest, WhatWasReadOnceIsNotReadAgain) {
  Write("rotv.toml",
        "[sources.production]\nssh = \"db\"\ndatabase = \"a\"\n[app]\nport = 3000\n[schema]\ncommand = \"a\"\n");
  const config::Config config(request_);
  EXPECT_EQ(config.App().port, 3000);
  // A half written file, and another one: neither is seen by the command that has begun.
  Write("rotv.toml", "[sources.produ");
  EXPECT_EQ(config.Source().database, "a");
  Write("rotv.toml", "[sources.staging]\nssh = \"db\"\ndatabase = \"b\"\n[schema]\ncommand = \"b\"\n");
  EXPECT_EQ(config.Source().database, "a");
  EXPECT_EQ(config.Drift().command, "a");
  EXPECT_EQ(config.Sources().size(), 1U);
  std::filesystem::remove(directory_ / "rotv.toml");
  EXPECT_EQ(config.FilePath(), directory_ / "rotv.toml");
  EXPECT_EQ(config.ConfiguredSources(), std::vector<std::string>{"production"});
}

TEST_F(ConfigTest, TheEnvFileIsReadOnce) {
  Write(".env", "PRODUCTION_HOST=db\nPGDATABASE=a\n");
  const config::Config config(request_);
  EXPECT_EQ(config.Source().database, "a");
  Write(".env", "PRODUCTION_HOST=db\nPGDATABASE=b\n");
  EXPECT_EQ(config.Source().database, "a");
  EXPECT_EQ(config.App().environment_rules.sources.size(), 1U);
}

}  // namespace
}  // namespace rotv
