#include "cli/launch/application_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "os/process_environment.h"
#include "storage/error.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

const launch::OwnDatabase kSocket{.socket_directory = "/run/own db", .port = 1, .name = "app"};
const launch::OwnDatabase kTcp{.socket_directory = "/tmp/pgsocket", .port = 5432, .tcp = true, .name = "app"};
constexpr const char* kBySocket = "postgresql://rotv@localhost:1/app?host=%2Frun%2Fown%20db";

const config::EnvironmentRules kRules{.sources = {{"db.example.org", 0}, {"127.0.0.1", 6432}},
                                      .allowed = {"REPORTS_URL"}};

// The message, without the hint; empty if nothing is refused.
std::string Refusal(const os::Environment& variables, const launch::OwnDatabase& database = kTcp) {
  try {
    launch::RequireOwnDatabase(variables, kRules, database);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    for (const auto& [name, value] : variables) {
      if (value.empty()) continue;
      EXPECT_THAT((std::string(error.what()) + error.hint()), ::testing::Not(::testing::HasSubstr(value)))
          << "a value is shown";
    }
    return error.what();
  }
}

TEST(ApplicationEnvironmentTest, DatabaseUrlAlwaysPointsToTheStartedDatabase) {
  EXPECT_EQ(launch::WithOwnDatabase({}, {}, kSocket), (os::Environment{{"DATABASE_URL", kBySocket},
                                                                       {"PGHOST", "/run/own db"},
                                                                       {"PGPORT", "1"},
                                                                       {"PGUSER", "rotv"},
                                                                       {"PGDATABASE", "app"}}));
  EXPECT_EQ(launch::WithOwnDatabase({{"DATABASE_URL", "mysql://elsewhere/x"}}, {}, kTcp)["DATABASE_URL"],
            "postgresql://rotv@127.0.0.1:5432/app");
}

TEST(ApplicationEnvironmentTest, EveryFormNamesTheSameDatabase) {
  struct Case {
    const char* name;
    const char* value;
    const char* by_tcp;
  };
  const Case cases[] = {
      {"DIRECT_URL", "postgres://u:p@db.example.org/x", "postgres://rotv@127.0.0.1:5432/app"},
      {"POSTGRES_PRISMA_URL", "postgresql://h/x?schema=s%20t&sslmode=require&connection_limit=3",
       "postgresql://rotv@127.0.0.1:5432/app?schema=s%20t&connection_limit=3"},
      {"SQLALCHEMY_DATABASE_URI", "postgresql+asyncpg://h/x", "postgresql+asyncpg://rotv@127.0.0.1:5432/app"},
      {"TEST_DATABASE_URL", "postgis://h/x", "postgis://rotv@127.0.0.1:5432/app_test"},
      {"SPRING_DATASOURCE_URL", "jdbc:postgresql://h/x", "jdbc:postgresql://127.0.0.1:5432/app?user=rotv"},
      {"SPRING_DATASOURCE_USERNAME", "prod", "rotv"},
      {"DB_HOST", "db.example.org", "127.0.0.1"},
      {"POSTGRES_PORT", "6432", "5432"},
      {"POSTGRES_PASSWORD", "s3cret", "rotv"},
      {"DATABASE_NAME", "x", "app"},
      {"DB_URL", "mysql://other.example.org/x", "mysql://other.example.org/x"},
      {"PORT", "8080", "8080"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(Refusal({{one.name, one.value}}), "") << one.name;
    EXPECT_EQ(launch::WithOwnDatabase({{one.name, one.value}}, kRules, kTcp)[one.name], one.by_tcp) << one.name;
  }
}

TEST(ApplicationEnvironmentTest, NoVariableOfLibpqPasses) {
  os::Environment variables;
  for (std::string_view name : os::LibpqVariables()) variables[std::string(name)] = "elsewhere";
  for (const char* name : {"PRODUCTION_HOST", "SSH_AUTH_SOCK", "PGPASSWORD_FILE"}) variables[name] = "elsewhere";
  variables.erase("PGPASSWORD_FILE");
  EXPECT_EQ(Refusal(variables), "");
  EXPECT_EQ(launch::WithOwnDatabase(variables, kRules, kSocket), launch::WithOwnDatabase({}, kRules, kSocket));
}

TEST(ApplicationEnvironmentTest, VariablesThatPointElsewhereAreRefusedByName) {
  const char* const values[] = {"postgres://h/x",      "jdbc:postgresql://h/x",  "host=h dbname=x",
                                "service=prod",        "http://db.example.org/", "db.example.org",
                                "tcp://127.0.0.1:6432"};
  for (const char* value : values) {
    EXPECT_THAT(Refusal({{"OLD_REPORTS", value}}),
                ::testing::HasSubstr("OLD_REPORTS leads to another PostgreSQL server"))
        << value;
    EXPECT_EQ(Refusal({{"REPORTS_URL", value}}), "") << "it is allowed";
    EXPECT_EQ(launch::WithOwnDatabase({{"REPORTS_URL", value}}, kRules, kTcp)["REPORTS_URL"], value);
    EXPECT_EQ(launch::ForShell({{"OLD_REPORTS", value}}, kRules, kTcp).withheld,
              std::vector<std::string>{"OLD_REPORTS"});
    EXPECT_FALSE(launch::ForShell({{"OLD_REPORTS", value}}, kRules, kTcp).variables.contains("OLD_REPORTS"));
  }
  EXPECT_THAT(Refusal({{"A", "postgres://h/x"}, {"B", "db.example.org"}}), ::testing::HasSubstr("A, B lead to"));
  for (const char* value : {"", "example.org", "http://127.0.0.1:8080", "production"}) {
    EXPECT_EQ(Refusal({{"OTHER", value}}), "") << value;
  }
  EXPECT_EQ(Refusal({{"NO_PROXY", "db.example.org"}}), "");
}

TEST(ApplicationEnvironmentTest, ASecretReadFromAFileIsChecked) {
  const testing::TempDir directory;
  std::ofstream(directory / "url") << "postgres://h/x\n";
  EXPECT_NE(Refusal({{"REPORTING_FILE", directory / "url"}}), "");
  EXPECT_EQ(Refusal({{"DATABASE_URL_FILE", directory / "url"}}), "");
  os::Environment variables = launch::WithOwnDatabase({{"DATABASE_URL_FILE", directory / "url"}}, kRules, kTcp);
  EXPECT_EQ(variables["DATABASE_URL"], "postgresql://rotv@127.0.0.1:5432/app");
  EXPECT_FALSE(variables.contains("DATABASE_URL_FILE"));
}

TEST(ApplicationEnvironmentTest, JdbcWithoutTcpIsRefused) {
  EXPECT_THAT(Refusal({{"JDBC_DATABASE_URL", "jdbc:postgresql://h/x"}}, kSocket),
              ::testing::HasSubstr("JDBC_DATABASE_URL is set"));
  EXPECT_EQ(Refusal({{"JDBC_DATABASE_URL", "jdbc:postgresql://h/x"}}, kTcp), "");
}

TEST(ApplicationEnvironmentTest, EnvWordsRemoveUnwantedVariables) {
  const std::vector<std::string> words = launch::EnvWords({{"A", "1"}, {"B", "2"}}, {{"B", "2"}, {"PGHOST", "/x"}});
  auto has = [&](const char* word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  EXPECT_TRUE(has("--unset=A") && has("PGHOST=/x") && has("--unset=PGSERVICE") && has("--unset=PGHOSTADDR"));
  EXPECT_FALSE(has("B=2") || has("--unset=B") || has("--unset=PGHOST") || has("--unset=PSQLRC"));
}

}  // namespace
}  // namespace rotv
