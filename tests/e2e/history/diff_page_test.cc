// The page of a difference, checked in a real browser.

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

class DiffPageTest : public HistoryTest {};

TEST_F(DiffPageTest, ShowsTheDocumentInABrowser) {
  rotv.MustSync({"baseline"});
  Exec("CREATE TABLE \"<script>alert('odd')</script>\" (id int PRIMARY KEY, \"<b>\" text)");
  Exec("CREATE TABLE audit (id int PRIMARY KEY, at text); CREATE TABLE users (id int PRIMARY KEY, name text)");
  Exec("INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 1112) n");
  rotv.MustSync({"pull"});
  rotv.MustSync({"snapshot", "create", "before"});
  Exec("INSERT INTO audit SELECT n, 'at ' || n FROM generate_series(1, 1500) n; UPDATE users SET name = name || '!'");
  for (int i = 0; i < 30; ++i) {
    const std::string n = std::to_string(i);
    Exec("UPDATE t SET v = 'at " + n + "' WHERE id % 30 = " + n + "; INSERT INTO bag VALUES ('new " + n + "')");
  }
  Exec("INSERT INTO \"<script>alert('odd')</script>\" VALUES (1, '</script><script>throw 1</script>'), (2, NULL)");
  Exec("DELETE FROM t WHERE id > 480; ALTER TABLE t ADD added int; CREATE INDEX t_v ON t (v); DROP TABLE IF EXISTS x");
  rotv.MustSync({"pull"});
  const std::filesystem::path page = rotv.directory() / "a page.html";
  const std::filesystem::path document = rotv.directory() / "diff.json";
  const std::string text = rotv.MustSync({"--json", "snapshot", "diff", "before", "head", "--rows"});
  std::ofstream(document) << text;
  // The limit is shared out: the rows of an audit do not hide those of others.
  std::map<std::string, uint64_t> shown;
  const nlohmann::json diff = nlohmann::json::parse(text);
  for (const nlohmann::json& table : diff.at("tables")) {
    shown[table.at("table")] = table.at("rows_shown");
  }
  EXPECT_EQ(shown["public.bag"], 30u);
  EXPECT_GE(shown["public.audit"], 300u);
  EXPECT_GE(shown["public.users"], 300u);
  EXPECT_GE(shown["public.t"], 300u);
  rotv.MustSync({"snapshot", "diff", "before", "head", "--html", page});

  const std::filesystem::path screenshot = std::filesystem::path(ROTV_ARTEFACTS) / "diff.png";
  std::filesystem::create_directories(screenshot.parent_path());
  std::filesystem::remove(screenshot);
  const std::string source = ROTV_SOURCE_DIR;
  const Result looked =
      RunCommand({.argv = {"node", source + "/tests/support/look_at_diff.js", page, document, screenshot},
                  .env = {{"NODE_PATH", source + "/examples/valley/browser/node_modules"}}});
  EXPECT_TRUE(looked.ok()) << looked.out << looked.err;
  EXPECT_GT(std::filesystem::file_size(screenshot), 10'000U);
}

}  // namespace
}  // namespace rotv::testing
