// The page of a difference, checked in a real browser.

#include <gmock/gmock.h>

#include <fstream>

#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

class DiffPageTest : public HistoryTest {};

TEST_F(DiffPageTest, ShowsTheDocumentInABrowser) {
  rotv.MustSync({"baseline"});
  Exec("CREATE TABLE \"<script>alert('odd')</script>\" (id int PRIMARY KEY, \"<b>\" text)");
  rotv.MustSync({"pull"});
  rotv.MustSync({"snapshot", "create", "before"});
  for (int i = 0; i < 30; ++i) {
    const std::string n = std::to_string(i);
    Exec("UPDATE t SET v = 'at " + n + "' WHERE id % 30 = " + n + "; INSERT INTO bag VALUES ('new " + n + "')");
  }
  Exec("INSERT INTO \"<script>alert('odd')</script>\" VALUES (1, '</script><script>throw 1</script>'), (2, NULL)");
  Exec("DELETE FROM t WHERE id > 480; ALTER TABLE t ADD added int; CREATE INDEX t_v ON t (v); DROP TABLE IF EXISTS x");
  rotv.MustSync({"pull"});
  const std::filesystem::path page = rotv.directory() / "a page.html";
  const std::filesystem::path document = rotv.directory() / "diff.json";
  std::ofstream(document) << rotv.MustSync({"--json", "snapshot", "diff", "before", "head", "--rows"});
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
