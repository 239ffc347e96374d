#include "cli/launch/build_context.h"

#include <gtest/gtest.h>

#include <fstream>

#include "storage/error.h"
#include "tests/support/temp_dir.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

class BuildContextTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text = "x") {
    fs::create_directories((App() / name).parent_path());
    std::ofstream(App() / name) << text;
  }
  fs::path App() const { return directory_.path() / "an app"; }

 private:
  testing::TempDir directory_;
};

TEST_F(BuildContextTest, SecretsAndWhatIsMadeAnewStayOut) {
  Write("backend/package.json", R"({"version": "1.2.3"})");
  for (const char* name : {"frontend/index.html", "backend/.env.example", ".env", "backend/.env", "backend/.env.local",
                           "backend/node_modules/pg/index.js", ".git/config", "home/seed-data.sql"}) {
    Write(name);
  }
  fs::create_symlink("index.html", App() / "frontend/link");
  fs::path made;
  {
    BuildContext context(App(), App() / "home");
    made = context.directory();
    for (const char* name : {"app/backend/package.json", "app/frontend/index.html", "app/backend/.env.example",
                             "app/frontend/link", "Containerfile", "entrypoint/entrypoint"}) {
      EXPECT_TRUE(fs::exists(made / name)) << name;
    }
    for (const char* name : {"app/.env", "app/backend/.env", "app/backend/.env.local", "app/backend/node_modules",
                             "app/.git", "app/home"}) {
      EXPECT_FALSE(fs::exists(made / name)) << name;
    }
    EXPECT_EQ(fs::last_write_time(made / "app/frontend/index.html"),
              fs::last_write_time(App() / "frontend/index.html"));
  }
  EXPECT_FALSE(fs::exists(made));
  EXPECT_EQ(ApplicationVersion(App()), "1.2.3");
}

TEST_F(BuildContextTest, ADirectoryWithoutAnApplicationIsRefused) {
  Write("README.md");
  try {
    BuildContext context(App(), "/nowhere");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_NE(std::string(error.what()).find(App()), std::string::npos) << error.what();
  }
}

TEST_F(BuildContextTest, AVersionThatIsNotThereIsZero) {
  Write("package.json", "{}");
  EXPECT_EQ(ApplicationVersion(App()), "0");
  Write("package.json", "not JSON");
  EXPECT_EQ(ApplicationVersion(App()), "0");
}

}  // namespace
}  // namespace rotv
