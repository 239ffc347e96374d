#include "tests/bench/measured_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "os/shell_quote.h"

namespace rotv::bench {

namespace fs = std::filesystem;
using testing::Command;
using testing::MustRun;
using testing::Result;

namespace {

constexpr auto kTimeout = std::chrono::minutes(30);

std::string Binary() {
  const char* named = std::getenv("ROTV_SYNC");
  return named == nullptr ? ROTV_SYNC_BINARY : named;
}

// bash takes itself for a login by ssh, and reads the user's .bashrc, only at level 1: that is not measured.
std::string SshEnvironment() {
  return fmt::format("SetEnv SHLVL=1 PATH=\"{}:/usr/local/bin:/usr/bin:/bin\"",
                     testing::PostgresServer::BinDirectory().string());
}

}  // namespace

const std::map<std::string, std::string> kServerSettings = {
    {"shared_buffers", "256MB"},        {"max_wal_size", "4GB"}, {"fsync", "on"}, {"full_page_writes", "on"},
    {"max_slot_wal_keep_size", "20GB"}, {"autovacuum", "off"},
};

void Say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

Content ContentOf(const fs::path& dump) {
  std::ifstream file(dump);
  Content content;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with("--") || line.starts_with("\\restrict") || line.starts_with("\\unrestrict")) {
      continue;
    }
    ++content.lines;
    content.sum += XXH3_64bits(line.data(), line.size());
  }
  return content;
}

uint64_t BytesIn(const fs::path& directory) {
  uint64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

MeasuredSource::MeasuredSource()
    : source_({.binary = Binary(),
               .postgres = {.settings = kServerSettings},
               .ssh = {.config_lines = {SshEnvironment()}},
               .home_place = testing::DataPlace::kOnDisk}),
      slow_link_({.target_port = source_.ssh().port()}) {
  source_.ssh().TrustPort(slow_link_.port());
  testing::WriteFile(DirectConfig(),
                     fmt::format("[sources.production]\nurl = \"postgresql://rotv@/rotv?host={}&port={}\"\n",
                                 source_.server().socket_directory(), source_.server().port()));
  testing::WriteFile(SlowConfig(), SshConfigText(slow_link_.port()));
}

std::string MeasuredSource::SshConfigText(int ssh_port) {
  const testing::PostgresServer& server = source_.server();
  return fmt::format(
      "[sources.production]\nssh = \"{}@127.0.0.1:{}\"\nidentity = \"{}\"\nknown_hosts = \"{}\"\nhost = \"{}\"\n"
      "port = {}\ndatabase = \"rotv\"\nuser = \"rotv\"\n",
      source_.ssh().user(), ssh_port, source_.ssh().client_key().string(), source_.ssh().known_hosts().string(),
      server.socket_directory(), server.port());
}

Command MeasuredSource::Sync(const fs::path& home, const fs::path& config, const std::vector<std::string>& arguments) {
  const fs::path project = Path("project.toml");
  fs::copy_file(config, project, fs::copy_options::overwrite_existing);
  Command command = source_.SyncCommand(arguments);
  command.argv.at(2) = home;
  command.argv.at(4) = project;
  command.argv.push_back("-q");
  command.timeout = kTimeout;
  return command;
}

Command MeasuredSource::Dump(const std::vector<std::string>& arguments) {
  Command command = source_.server().DumpCommand("rotv", arguments);
  command.timeout = kTimeout;
  return command;
}

Command MeasuredSource::SshDump(int ssh_port, const std::vector<std::string>& ssh_options, const fs::path& file) {
  Command dump = Dump({});
  std::vector<std::string> words;
  for (const auto& [name, value] : dump.env) words.push_back(name + "=" + os::ShellQuote(value));
  for (const std::string& word : dump.argv) words.push_back(os::ShellQuote(word));
  Command command = source_.ssh().ClientCommand({fmt::format("{}", fmt::join(words, " "))});
  *std::next(std::find(command.argv.begin(), command.argv.end(), "-p")) = std::to_string(ssh_port);
  command.argv.insert(command.argv.begin() + 1, ssh_options.begin(), ssh_options.end());
  command.stdout_path = file;
  command.timeout = kTimeout;
  return command;
}

Command MeasuredSource::Receive(const std::string& slot, const std::string& end) {
  const std::string publication = source_.server().Value("SELECT pubname FROM pg_publication");
  Command command;
  command.argv = {testing::PostgresServer::BinDirectory() / "pg_recvlogical", "--start", "--no-loop"};
  for (const std::string& argument :
       {std::string("-d"), source_.server().ConnectionString(), std::string("--slot"), slot, std::string("--endpos"),
        end, std::string("-f"), std::string("/dev/null"), std::string("-o"), std::string("proto_version=1"),
        std::string("-o"), fmt::format("publication_names={}", testing::SqlName(publication))}) {
    command.argv.push_back(argument);
  }
  command.timeout = kTimeout;
  return command;
}

void MeasuredSource::Measure(const Command& command, Samples* samples) {
  ::sync();
  Result result = MustRun(command);
  samples->seconds.push_back(result.seconds);
  samples->processor_seconds.push_back(result.processor_seconds);
  samples->peak_kib = std::max(samples->peak_kib, result.peak_rss_kib);
  Say(fmt::format("  {:<52} {:7.2f} s  {:7.2f} s of processor  {:4} MiB", samples->what, result.seconds,
                  result.processor_seconds, result.peak_rss_kib / 1024));
}

void MeasuredSource::MeasureOverSlowLink(const Command& command, Samples* samples) {
  slow_link_.ResetCounts();
  Measure(command, samples);
  samples->wire_bytes.push_back(slow_link_.BytesToTarget() + slow_link_.BytesToClient());
}

void MeasuredSource::CopySlot(const std::string& from, const std::string& to) {
  source_.server().Query(fmt::format("SELECT pg_copy_logical_replication_slot({}, {})", testing::SqlLiteral(from),
                                     testing::SqlLiteral(to)),
                         testing::kSuperuser);
}

void MeasuredSource::DropSlot(const std::string& name) {
  // A walsender that has just lost its client may still hold the slot.
  const std::string free =
      fmt::format("SELECT NOT active FROM pg_replication_slots WHERE slot_name = {}", testing::SqlLiteral(name));
  testing::WaitUntil([&] { return source_.server().Value(free) == "t"; });
  source_.server().Query(fmt::format("SELECT pg_drop_replication_slot({})", testing::SqlLiteral(name)),
                         testing::kSuperuser);
}

}  // namespace rotv::bench
