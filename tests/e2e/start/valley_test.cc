// The example application on a copy of the demo's production, checked in a real browser.

#include <gmock/gmock.h>

#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

class ValleyTest : public StartTest {
 protected:
  ValleyTest() {
    std::filesystem::remove_all(app());
    std::filesystem::copy(std::string(ROTV_SOURCE_DIR) + "/examples/valley", app(),
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
    rotv_.server().Exec("DROP TABLE places, news");
    Result psql = rotv_.server().Psql(std::string(ROTV_SOURCE_DIR) + "/examples/demo/production.sql", {"rotv", "rotv"},
                                      {"-v", "page_views=20000"});
    if (!psql.ok()) throw std::runtime_error(psql.err);
  }

  size_t ApiRows(const std::string& path) const { return Json::parse(Get(path)).size(); }
  std::string Production(const std::string& sql) {
    return MustRun({.argv = {"psql", "-XAtq", "-h", "127.0.0.1", "-p", std::to_string(rotv_.server().port()), "-U",
                             "rotv", "-d", "rotv", "-c", sql}})
        .out;
  }
};

// Labels: slow
TEST_F(ValleyTest, ShowsProductionsDataInABrowser) {
  Result refused = Rotv({"start"});
  EXPECT_EQ(refused.exit_status, 2);
  EXPECT_THAT(refused.err, HasSubstr("hint: cp backend/.env.example backend/.env"));
  std::filesystem::copy(app() / "backend/.env.example", app() / "backend/.env");
  EXPECT_THAT(Rotv({"start"}).err, HasSubstr("SESSION_SECRET still the example's placeholder"));

  WriteApp("backend/.env", "SESSION_SECRET='a long # \"secret\" text'\nSITE_NAME=\"The valley's own\"\n");
  MustRotv({"start"});
  Json health = Json::parse(Get("/api/health"));
  EXPECT_EQ(health["status"], "ok");
  EXPECT_EQ(ApiRows("/api/destinations"), health["places"]);
  EXPECT_EQ(std::to_string(ApiRows("/api/destinations")) + "\n", Production("SELECT count(*) FROM places"));
  EXPECT_EQ(std::to_string(ApiRows("/api/news")) + "\n",
            Production("SELECT least(count(*), 1000) FROM news WHERE published_at IS NOT NULL"));
  EXPECT_EQ(Json::parse(Get("/api/site"))["name"], "The valley's own");
  // The migrations and production's schema differ, and both runtimes report the same differences.
  auto differences = [&] {
    Result compared = Rotv({"--json", "validate-schema"});
    EXPECT_EQ(compared.exit_status, 9) << compared.err;
    Json document = Json::parse(compared.out);
    return std::pair{document["only_in_source"], document["only_in_migrations"]};
  };
  const auto by_files = differences();
  EXPECT_EQ(by_files.second.size(), 2U);
  EXPECT_THAT(by_files.first.dump(), HasSubstr("public.places_search"));
  std::ofstream(rotv_.config(), std::ios::app) << "[schema]\ncommand = \"node backend/migrate.js\"\n";
  WriteApp("backend/migrate.js",
           "const { Client } = require('pg'); const { migrate } = require('./migrations');"
           "(async () => { const client = new Client({ connectionString: process.env.DATABASE_URL });"
           "await client.connect(); await migrate(client, __dirname + '/migrations'); await client.end(); })()");
  EXPECT_EQ(differences(), by_files);

  // Its own migrations found their tables, and left them alone.
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SELECT count(*) FROM schema_migrations"}), "2\n");
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SELECT count(search) > 0 FROM places"}), "t\n");

  std::filesystem::path screenshot = std::filesystem::path(ROTV_ARTEFACTS) / "valley.png";
  std::filesystem::create_directories(screenshot.parent_path());
  std::filesystem::remove(screenshot);
  Result looked = RunCommand(
      {.argv = {"node", app() / "browser/look.js", "http://127.0.0.1:" + std::to_string(port_) + "/", screenshot}});
  EXPECT_TRUE(looked.ok()) << looked.out << looked.err;
  EXPECT_GT(std::filesystem::file_size(screenshot), 10'000U);
}

}  // namespace
}  // namespace rotv::testing
