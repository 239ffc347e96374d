#include "sync/context/source_address.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

TEST(SourceAddressTest, AddressesOfPostgresServersAreRecognizedInEveryForm) {
  for (const char* value : {
           "postgres://db/x",
           "postgresql://u:p@db.example.org:6432/x?sslmode=require",
           "POSTGRESQL://db/x",
           "postgresql+psycopg2://u@db/x",
           "postgresql+asyncpg://u@db/x",
           "postgis://u@db/x",
           "pgsql:host=db;dbname=x",
           "jdbc:postgresql://db/x",
           "jdbc:postgresql:x",
           "r2dbc:postgresql://db/x",
           "host=db dbname=x",
           "hostaddr=10.0.0.1 user=x",
           "service=prod",
           "Host=db;Username=u;Database=x",
           "Server=db;Port=5432;Database=x;User Id=u",
           R"({"url": "postgres://db/x"})",
           "first,postgres://db/x",
       }) {
    EXPECT_TRUE(NamesPostgresServer(value)) << value;
  }
  for (const char* value :
       {"", "postgres", "postgresql", "https://postgresql.org/docs", "mypostgres://", "a=b", "host", "mysql://db/x",
        "production", "--host=db", "localhost:5432", "image: postgres:17", "dbname=x user=y"}) {
    EXPECT_FALSE(NamesPostgresServer(value)) << value;
  }
}

TEST(SourceAddressTest, AHostIsRecognizedAsAWholeWord) {
  const SourceAddress address{"db.example.org", 0};
  for (const char* value : {"db.example.org", "DB.Example.ORG", "db.example.org:5432", "https://db.example.org/x",
                            "root@db.example.org", "a,db.example.org,b", "db.example.org.", "//u:p@db.example.org?x"}) {
    EXPECT_TRUE(NamesHost(value, address)) << value;
  }
  for (const char* value : {"", "example.org", "mydb.example.org", "old-db.example.org", "db.example.org.evil.net",
                            "db.example.organic", "db-example-org"}) {
    EXPECT_FALSE(NamesHost(value, address)) << value;
  }
  EXPECT_TRUE(NamesHost("http://[2001:db8::1]:80/", {"2001:db8::1", 0}));
}

TEST(SourceAddressTest, AHostThatIsAnOrdinaryWordIsRecognizedOnlyInAnAddress) {
  for (const char* value : {"prod:5432", "tcp://prod/x", "u@prod", "host=prod"}) {
    EXPECT_TRUE(NamesHost(value, {"prod", 0})) << value;
  }
  for (const char* value : {"prod", "the prod of x", "production", "prod: yes"}) {
    EXPECT_FALSE(NamesHost(value, {"prod", 0})) << value;
  }
}

TEST(SourceAddressTest, LocalhostIsRecognizedOnlyWithThePort) {
  EXPECT_TRUE(NamesHost("http://127.0.0.1:6432/", {"127.0.0.1", 6432}));
  EXPECT_FALSE(NamesHost("http://127.0.0.1:8080/", {"127.0.0.1", 6432}));
  EXPECT_FALSE(NamesHost("127.0.0.1", {"127.0.0.1", 6432}));
}

std::string TextOf(const SourceConfig& source, const std::string& home = "") {
  std::string text;
  for (const SourceAddress& address : AddressesOf(source, home)) {
    text += address.host + (address.port == 0 ? "" : ":" + std::to_string(address.port)) + " ";
  }
  return text;
}

TEST(SourceAddressTest, EveryHostOfASourceIsNamed) {
  SourceConfig ssh;
  ssh.ssh = "root@DB.example.org:22422";
  ssh.host = "10.0.0.7";
  EXPECT_EQ(TextOf(ssh), "db.example.org 10.0.0.7 ");
  ssh.host = "127.0.0.1";
  EXPECT_EQ(TextOf(ssh), "db.example.org ");
  ssh.host = "/run/postgresql";
  EXPECT_EQ(TextOf(ssh), "db.example.org ");
  SourceConfig url;
  url.url = "postgresql://u@a.example.org:5432,b.example.org:5433/x";
  EXPECT_EQ(TextOf(url), "a.example.org b.example.org ");
  url.url = "postgresql://u@127.0.0.1:6432/x";
  EXPECT_EQ(TextOf(url), "127.0.0.1:6432 ");
  url.url = "postgresql://u@/x?host=/run/postgresql";
  EXPECT_EQ(TextOf(url), "");
}

TEST(SourceAddressTest, AnAliasOfSshConfigAlsoMeansItsHostName) {
  const testing::TempDir home;
  std::filesystem::create_directories(home / ".ssh");
  std::ofstream(home / ".ssh/config") << "Host prod\n  HostName db.example.org\n";
  SourceConfig source;
  source.ssh = "prod";
  EXPECT_EQ(TextOf(source, home.path()), "prod db.example.org ");
}

}  // namespace
}  // namespace rotv
