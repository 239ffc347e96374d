#include "tests/support/servers/rotv_home.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "fmt/format.h"

namespace rotv::testing {
namespace {

// A TOML basic string.
std::string Toml(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::filesystem::path RotvHome::Parent(DataPlace place) {
  constexpr uintmax_t kRoom = uintmax_t{4} << 30;  // Of some that run beside each other, with warm clusters.
  return place == DataPlace::kOnTmpfs ? DirectoryInMemory(kRoom) : "/tmp";
}

RotvHome::RotvHome(RotvHomeOptions options)
    : options_(std::move(options)),
      directory_(options_.home_name, Parent(options_.home_place)),
      server_(options_.postgres) {
  std::filesystem::create_directories(directory_ / "user/.ssh");
  if (options_.way == Way::kDirect) {
    source_["url"] = Toml(fmt::format("postgresql://rotv@127.0.0.1:{}/rotv", PortTo(server_.port())));
  } else {
    SshServerOptions ssh_options = options_.ssh;
    // The remote host's pg_dump is the server's own, also if this machine has several.
    ssh_options.path_prefix.push_back(server_.bin_directory());
    ssh_ = std::make_unique<SshServer>(ssh_options);
    const int ssh_port = PortTo(ssh_->port());
    if (options_.slow_link) ssh_->TrustPort(ssh_port);
    source_["ssh"] = Toml(fmt::format("{}@127.0.0.1:{}", ssh_->user(), ssh_port));
    source_["identity"] = Toml(ssh_->client_key());
    source_["known_hosts"] = Toml(ssh_->known_hosts());
    source_["host"] = Toml(options_.way == Way::kSshSocket ? server_.socket_directory() : "127.0.0.1");
    source_["port"] = std::to_string(server_.port());
    source_["database"] = Toml("rotv");
    source_["user"] = Toml("rotv");
  }
  Configure(options_.source_settings);
}

int RotvHome::PortTo(int target_port) {
  if (!options_.slow_link) return target_port;
  SlowLinkOptions link_options = *options_.slow_link;
  link_options.target_port = target_port;
  slow_link_ = std::make_unique<SlowLink>(link_options);
  return slow_link_->port();
}

SshServer& RotvHome::ssh() {
  if (ssh_ == nullptr) throw std::runtime_error("this source is reached without SSH");
  return *ssh_;
}

SlowLink& RotvHome::slow_link() {
  if (slow_link_ == nullptr) throw std::runtime_error("this source has no slow link");
  return *slow_link_;
}

void RotvHome::Configure(const std::map<std::string, std::string>& source_settings) {
  for (const auto& [name, value] : source_settings) {
    if (value.empty()) {
      source_.erase(name);
    } else {
      source_[name] = value;
    }
  }
  WriteConfig();
}

void RotvHome::WriteConfig() const {
  std::string text = "[sources.production]\n";
  for (const auto& [name, value] : source_) text += fmt::format("{} = {}\n", name, value);
  WriteFile(config(), text + options_.more_config);
}

Command RotvHome::SyncCommand(const std::vector<std::string>& arguments) const {
  return ProgramCommand(options_.binary, arguments);
}

Command RotvHome::ProgramCommand(const std::string& binary, const std::vector<std::string>& arguments) const {
  Command command;
  command.argv = {binary, "--home", home(), "--config", config()};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.directory = directory_.path();
  command.unset_env = {"PG*", "ROTV_*", "PRODUCTION_*", "SSH_*", "XDG_*", "AWS_*"};
  command.env["HOME"] = directory_ / "user";
  // With a url, pg_dump runs here: the server's own version is used.
  const char* path = std::getenv("PATH");
  command.env["PATH"] = server_.bin_directory().string() + ":" + (path == nullptr ? "/usr/bin:/bin" : path);
  command.timeout = std::chrono::minutes(5);
  return command;
}

Result RotvHome::Sync(const std::vector<std::string>& arguments) const { return RunCommand(SyncCommand(arguments)); }

std::string RotvHome::MustSync(const std::vector<std::string>& arguments) const {
  return MustRun(SyncCommand(arguments)).out;
}

std::filesystem::path RotvHome::Seed(const std::string& name, const std::vector<std::string>& arguments) const {
  std::filesystem::path path = directory_ / name;
  std::vector<std::string> all = {"materialize", "--output", path};
  all.insert(all.end(), arguments.begin(), arguments.end());
  if (std::find(all.begin(), all.end(), "--restrict") == all.end()) all.insert(all.end(), {"--restrict", "never"});
  MustSync(all);
  return path;
}

void RotvHome::ExpectSeedIsDump(const OracleOptions& options) const {
  ExpectSeedEqualsDump(server_, Seed("seed.sql", {"--restrict", "always"}), options);
}

std::vector<std::string> RotvHome::LeftOnSource() const {
  std::vector<std::string> names;
  const Rows rows = server_.Query(
      "SELECT 'slot ' || slot_name FROM pg_replication_slots UNION ALL "
      "SELECT 'publication ' || pubname FROM pg_publication ORDER BY 1",
      kSuperuser);
  for (const Row& row : rows) names.push_back(*row[0]);
  return names;
}

}  // namespace rotv::testing
