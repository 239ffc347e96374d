#include "cli/launch/build_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "storage/error.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

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

constexpr const char* kPlanted = "pl4nted-s3cret";

// The files of the context that contain the planted secret.
std::vector<std::string> Leaks(const fs::path& context) {
  std::vector<std::string> leaks;
  for (const auto& entry : fs::recursive_directory_iterator(context)) {
    if (entry.is_regular_file() && testing::ReadFile(entry.path()).find(kPlanted) != std::string::npos) {
      leaks.push_back(entry.path().lexically_relative(context));
    }
  }
  return leaks;
}

TEST_F(BuildContextTest, ContainsNoSecret) {
  Write("backend/package.json", R"({"version": "1.2.3"})");
  const std::string key = std::string("-----BEGIN OPENSSH PRIVATE KEY-----\n") + kPlanted;
  for (const char* name : {".env", "backend/.env", "backend/.env.local", ".env.production", ".envrc", ".npmrc",
                           "backend/.npmrc", ".netrc", ".pgpass", "rotv.toml", "my-secrets.conf", ".git/config",
                           "backend/node_modules/pg/index.js", "home/seed-data.sql", ".ssh/id_rsa", "ids/store.p12",
                           "pg_service.conf", "private/note.txt", "deep/down/dump.sql"}) {
    Write(name, kPlanted);
  }
  for (const char* name : {"id_ed25519", "server.pem", "tls/server.key", "deploy_key"}) Write(name, key);
  Write(".dockerignore", "private\n**/*.sql\n!.env\n!.npmrc\n!deploy_key\n");
  fs::create_symlink("my-secrets.conf", App() / "settings");
  launch::BuildContext context({.application = App(), .left_out = {App() / "home", App() / "my-secrets.conf"}});
  EXPECT_EQ(Leaks(context.directory()), std::vector<std::string>());
}

TEST_F(BuildContextTest, ContainsWhatAnApplicationNeeds) {
  Write("backend/package.json", R"({"version": "1.2.3"})");
  for (const char* name : {"frontend/index.html", "backend/.env.example", "docs/keep/a.md", "docs/b.md"}) Write(name);
  Write("ca.pem", "-----BEGIN CERTIFICATE-----\n");
  Write(".containerignore", "docs\n!docs/keep/*.md\n");
  Write(".dockerignore", "frontend\n");
  fs::create_symlink("index.html", App() / "frontend/link");
  fs::path built;
  {
    launch::BuildContext context({.application = App()});
    built = context.directory();
    for (const char* name : {"app/backend/package.json", "packages/backend/package.json", "app/frontend/index.html",
                             "app/backend/.env.example", "app/frontend/link", "app/docs/keep/a.md", "app/ca.pem",
                             "Containerfile", "entrypoint/entrypoint"}) {
      EXPECT_TRUE(fs::exists(built / name)) << name;
    }
    EXPECT_FALSE(fs::exists(built / "app/docs/b.md"));
    EXPECT_EQ(fs::last_write_time(built / "app/frontend/index.html"),
              fs::last_write_time(App() / "frontend/index.html"));
  }
  EXPECT_FALSE(fs::exists(built));
  EXPECT_EQ(launch::ApplicationVersion(App()), "1.2.3");
}

TEST_F(BuildContextTest, ADirectoryWithoutAnApplicationIsRefused) {
  Write("README.md");
  try {
    launch::BuildContext context({.application = App()});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_THAT(error.what(), ::testing::HasSubstr(App()));
  }
}

TEST_F(BuildContextTest, AMissingVersionIsZero) {
  Write("package.json", "{}");
  EXPECT_EQ(launch::ApplicationVersion(App()), "0");
  Write("package.json", "not JSON");
  EXPECT_EQ(launch::ApplicationVersion(App()), "0");
}

}  // namespace
}  // namespace rotv
