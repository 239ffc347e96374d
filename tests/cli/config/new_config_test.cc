#include "cli/config/new_config.h"

#include "cli/config/source_guess.h"
#include "tests/cli/config/config_fixture.h"

namespace rotv {
namespace {

using NewConfigTest = ConfigTest;

// All that a new file may hold of a source.
std::vector<std::string> PlaceOf(const SourceConfig& source) {
  return {source.name,
          source.ssh,
          source.identity,
          source.known_hosts,
          source.container,
          source.runtime,
          source.host,
          source.user,
          source.database,
          source.url,
          std::to_string(source.port),
          source.remote};
}

TEST_F(NewConfigTest, WhatIsWrittenIsReadAgain) {
  const std::vector<SourceConfig> sources = {
      {.name = "production", .ssh = "root@db.example.org:22422", .container = "db", .database = "rotv", .user = "rotv"},
      {.name = "a.b-c_1",
       .ssh = "db",
       .identity = "/keys/a \"key\"",
       .container = "db",
       .runtime = "docker",
       .host = "/tmp/pgsocket",
       .port = 5433,
       .database = "o'\\brien \"x\" äö",
       .user = "#1"},
      {.name = "staging", .url = "postgresql://rotv@[::1]:5433/rotv?sslmode=verify-full"},
      {.name = "here", .host = "127.0.0.1", .database = "rotv"},
      {.name = "team", .remote = "s3://bucket/prefix"},
      {.name = "team", .remote = "/srv/a directory"},
  };
  for (const SourceConfig& source : sources) {
    const std::string text = config::NewConfigText(source);
    EXPECT_EQ(PlaceOf(Read(text)), PlaceOf(source)) << text;
  }
}

class SourceGuessTest : public ConfigTest {
 protected:
  SourceGuessTest() { request_.environment["HOME"] = directory_; }
  config::SourceGuess Guess() {
    const config::EnvFiles files;
    return config::GuessSource(request_.environment, directory_, files);
  }
};

TEST_F(SourceGuessTest, TheVariablesOfProductionComeFirst) {
  Write(".env", "DATABASE_URL=postgres://app@db.example.org/app\n");
  Write("backend/.env", "PRODUCTION_HOST=db\nPRODUCTION_CONTAINER=c\nPGDATABASE=rotv\n");
  const config::SourceGuess guess = Guess();
  EXPECT_EQ(guess.from, "PRODUCTION_HOST");
  EXPECT_EQ(guess.source.ssh, "root@db");
  EXPECT_EQ(guess.source.container, "c");
  EXPECT_EQ(guess.source.url, "");
}

TEST_F(SourceGuessTest, AUrlIsAProposalWithoutItsPassword) {
  EXPECT_EQ(Guess().from, "");
  Write(".env", "DATABASE_URL=postgres://app:s3cret@db.example.org:5433/shop?sslmode=require\n");
  config::SourceGuess guess = Guess();
  EXPECT_EQ(guess.source.url, "postgresql://app@db.example.org:5433/shop?sslmode=verify-full");
  EXPECT_EQ(guess.source.database, "shop");
  // One of this machine says only how things are called.
  for (const char* here : {"localhost", "127.0.0.1:5432", "%2Ftmp"}) {
    Write(".env", std::string("DATABASE_URL=postgresql://app:s3cret@") + here + "/shop\n");
    guess = Guess();
    EXPECT_EQ(guess.source.url, "") << here;
    EXPECT_EQ(guess.source.user, "app") << here;
  }
  for (const char* odd : {"mysql://app@db/shop", "postgresql://app@[::1/shop", "postgresql://a%20b@db/shop", "x"}) {
    Write(".env", std::string("DATABASE_URL=") + odd + "\n");
    EXPECT_EQ(Guess().source.url, "") << odd;
  }
}

TEST_F(SourceGuessTest, HalfASourceIsNoneAndSaysWhy) {
  Write(".env", "PRODUCTION_HOST=db\nDATABASE_URL=postgresql://app@localhost/shop\n");
  const config::SourceGuess guess = Guess();
  EXPECT_HAS(guess.problem, "PGDATABASE is not");
  EXPECT_EQ(guess.source.ssh, "");
  EXPECT_EQ(guess.source.database, "shop");
}

TEST_F(SourceGuessTest, HostsOfSshAreNamed) {
  EXPECT_TRUE(Guess().ssh_hosts.empty());
  Write(".ssh/config",
        "Host db web*\n  HostName 192.0.2.1\nhost=staging # the old one\nMatch host x\nHost *\nHost !no\n");
  EXPECT_EQ(Guess().ssh_hosts, (std::vector<std::string>{"db", "staging"}));
}

}  // namespace
}  // namespace rotv
