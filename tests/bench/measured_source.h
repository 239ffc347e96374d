// The source that is measured, the ways to it, and the commands that are measured.

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/report.h"
#include "tests/support/servers/rotv_home.h"
#include "tests/support/servers/slow_link.h"

namespace rotv::bench {

// PostgreSQL's defaults with two kinds of exceptions: what an administrator would set, and what would disturb a
// measurement.
extern const std::map<std::string, std::string> kServerSettings;

void Say(const std::string& line);

// Rows come in another order in a dump, and comments name versions: the sum over the lines' hashes ignores that.
struct Content {
  uint64_t lines = 0;
  uint64_t sum = 0;
  bool operator==(const Content&) const = default;
};
Content ContentOf(const std::filesystem::path& dump);

uint64_t BytesIn(const std::filesystem::path& directory);

// A source without data. Its programs are made as commands, and run by Measure(). Throws std::runtime_error.
class MeasuredSource {
 public:
  MeasuredSource();

  testing::RotvHome& home() { return source_; }
  testing::PostgresServer& server() { return source_.server(); }
  int ssh_port() { return source_.ssh().port(); }
  int slow_port() const { return slow_link_.port(); }
  std::filesystem::path Path(const std::string& name) const { return source_.directory() / name; }
  std::filesystem::path DirectConfig() const { return Path("direct.toml"); }
  std::filesystem::path SshConfig() const { return source_.config(); }
  std::filesystem::path SlowConfig() const { return Path("slow.toml"); }

  // The command is to be run before the next one is made: a store belongs to one project, which is a path, so that the
  // config takes the place of the last one there.
  testing::Command Sync(const std::filesystem::path& home, const std::filesystem::path& config,
                        const std::vector<std::string>& arguments);
  testing::Command Dump(const std::vector<std::string>& arguments);
  // The command of a user without rotv-sync: ssh HOST pg_dump > FILE.
  testing::Command SshDump(int ssh_port, const std::vector<std::string>& ssh_options,
                           const std::filesystem::path& file);
  testing::Command Receive(const std::string& slot, const std::string& end);

  // Runs the command and adds its cost. Earlier writes that are not yet on disk are not counted.
  void Measure(const testing::Command& command, Samples* samples);
  void MeasureOverSlowLink(const testing::Command& command, Samples* samples);

  void CopySlot(const std::string& from, const std::string& to);
  void DropSlot(const std::string& name);

 private:
  std::string SshConfigText(int ssh_port);

  testing::RotvHome source_;
  testing::SlowLink slow_link_;
};

}  // namespace rotv::bench
