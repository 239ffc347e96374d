// `rotv` on a real source: an application's directory, a free port, and checks of what a start leaves.

#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "os/process_list.h"
#include "tests/e2e/start/empty_cluster.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/servers/oracle.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {

// A directory with de_DE.UTF-8, for LOCPATH: a machine that has this locale. Made once for all tests.
inline std::string GermanLocales() {
  static const TempDir kDirectory;
  static const Result kMade =
      MustRun({.argv = {"localedef", "-i", "de_DE", "-f", "UTF-8", kDirectory / "de_DE.UTF-8"}});
  return kDirectory.path();
}

class StartTest : public ::testing::Test {
 protected:
  explicit StartTest(const std::string& runtime = "local", TempDirName name = TempDirName::kPlain,
                     PostgresOptions postgres = {})
      : runtime_(runtime),
        empty_kind_(fmt::format("{} {} {} {}", runtime, postgres.version, postgres.settings,
                                fmt::join(postgres.initdb_arguments, " "))),
        port_(FreePort()),
        rotv_({.binary = ROTV_SYNC_BINARY,
               .way = Way::kDirect,
               .postgres = std::move(postgres),
               .home_name = name,
               .more_config = "[app]\ndirectory = \"app\"\nport = " + std::to_string(port_) + "\n"}) {
    variables_["ROTV_TEST_MARK"] = rotv_.directory();
    EmptyCluster::PlaceIn(rotv_.home(), empty_kind_);
    std::filesystem::copy(std::string(ROTV_SOURCE_DIR) + "/tests/support/app", app());
    rotv_.server().Exec(
        "CREATE TABLE places (id int PRIMARY KEY, name text NOT NULL);"
        "INSERT INTO places SELECT i, 'place ' || i FROM generate_series(1, 100) i;"
        "CREATE TABLE news (id int PRIMARY KEY, title text);"
        "INSERT INTO news SELECT i, 'title ' || i FROM generate_series(1, 7) i");
  }
  ~StartTest() override {
    // A failed test leaves nothing running, either.
    RunCommand(RotvCommand({"stop"}));
    EmptyCluster::TakeFrom(rotv_.home(), empty_kind_);
  }

  // For what is about the first import of a home, or about initdb.
  void BeFirst() const { std::filesystem::remove_all(rotv_.home() / "warm"); }

  std::filesystem::path app() const { return rotv_.directory() / "app"; }

  Command RotvCommand(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {"--runtime", runtime_};
    all.insert(all.end(), arguments.begin(), arguments.end());
    Command command = rotv_.ProgramCommand(ROTV_BINARY, all);
    for (const auto& [name, value] : variables_) command.env[name] = value;
    return command;
  }
  Result Rotv(const std::vector<std::string>& arguments) const { return RunCommand(RotvCommand(arguments)); }
  std::string MustRotv(const std::vector<std::string>& arguments) const { return MustRun(RotvCommand(arguments)).out; }

  // Returns the body of a reply; empty if there is none.
  std::string Get(const std::string& path) const {
    return RunCommand({.argv = {"curl", "--silent", "--noproxy", "*", "--max-time", "5",
                                "http://127.0.0.1:" + std::to_string(port_) + path}})
        .out;
  }

  // Applies from the next pull or baseline on.
  void MakeSeedThatCannotBeImported() {
    // A CHECK that reads another table, whose rows come later: no dump of it can be imported.
    rotv_.server().Exec(
        "CREATE TABLE zones (id int PRIMARY KEY); INSERT INTO zones VALUES (1);"
        "CREATE FUNCTION known(zone int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT 1 FROM public.zones WHERE "
        "id = zone)';"
        "CREATE TABLE areas (zone int PRIMARY KEY CHECK (known(zone))); INSERT INTO areas VALUES (1)");
  }

  // Another process, which prints "listening" once it has the port.
  Command TakePort() const {
    return {.argv = {"node", "-e",
                     "require('http').createServer().listen(" + std::to_string(port_) +
                         ", '127.0.0.1', () => console.log('listening'))"}};
  }

  void WriteApp(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((app() / name).parent_path());
    std::ofstream(app() / name) << text;
  }

  // The directory HOME/warm/ID of the newest warm cluster of a kind: "state", "empty", "foreign". Empty if there is
  // none.
  std::filesystem::path WarmCluster(const std::string& kind) const {
    std::filesystem::path newest;
    int64_t newest_time = -1;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(rotv_.home() / "warm", none)) {
      std::ifstream file(entry.path() / "manifest.json");
      const nlohmann::json manifest = nlohmann::json::parse(file, nullptr, false);
      if (!manifest.is_object() || manifest.value("kind", "") != kind) continue;
      if (const int64_t time = manifest.at("made_time_us"); time > newest_time) {
        newest = entry.path();
        newest_time = time;
      }
    }
    return newest;
  }

  // The tables and indexes of the newest cluster with data that have this text.
  std::vector<std::filesystem::path> FilesWith(const std::string& text) const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(WarmCluster("state") / "cluster/base")) {
      const bool has = entry.is_regular_file() && ReadFile(entry.path()).find(text) != std::string::npos;
      if (has) found.push_back(entry.path());
    }
    return found;
  }

  // Overwrites a text, and keeps the file's size and time.
  static void Change(const std::filesystem::path& path, const std::string& text, const std::string& other) {
    ASSERT_EQ(text.size(), other.size());
    const auto time = std::filesystem::last_write_time(path);
    const size_t at = ReadFile(path).find(text);
    ASSERT_NE(at, std::string::npos) << path;
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file << other << std::flush;
    file.close();
    std::filesystem::last_write_time(path, time);
  }

  // The oracle for the running database, however it was started.
  void ExpectDatabaseIsTheSources() {
    const std::string directory = nlohmann::json::parse(Get("/env/PGHOST"));
    const std::string port = MustRotv({"psql", "-Atc", "SHOW port"});
    Command dump = rotv_.server().DumpCommand();
    dump.argv.back() = "host=" + directory + " port=" + port + " user=rotv dbname=rotv";
    EXPECT_TRUE(DumpsAreEqual({"the started database", MustRun(dump).out}, {"the source", rotv_.server().Dump()}));
  }

  // The running processes that a start of this home created, without a container.
  std::vector<pid_t> Processes() const {
    std::vector<pid_t> found;
    for (pid_t process : os::ProcessesWithVariable("ROTV_TEST_MARK=" + rotv_.directory().native()))
      found.push_back(process);
    return found;
  }

  const std::string runtime_;
  const std::string empty_kind_;  // EmptyCluster.
  const int port_;
  RotvHome rotv_;
  std::map<std::string, std::string> variables_;
};

}  // namespace rotv::testing
