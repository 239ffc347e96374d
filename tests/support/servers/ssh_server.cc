#include "tests/support/servers/ssh_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <shadow.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "fmt/format.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

// sshd must be called by its absolute path, and PATH does not always contain it.
std::string SshdBinary() {
  for (const char* path : {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"}) {
    if (fs::exists(path)) return path;
  }
  throw std::runtime_error("sshd is not installed: ./dev test installs it");
}

// Without PAM sshd refuses an account whose password is locked, even with a key. Root's is, on many machines.
bool NeedsPam(const std::string& user) {
  const spwd* entry = getspnam(user.c_str());  // Without root there is no entry; sshd cannot read it then either.
  return entry != nullptr && entry->sp_pwdp != nullptr && entry->sp_pwdp[0] == '!';
}

bool Listens(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool listens = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return listens;
}

// The children of each process, from /proc/PID/stat: "pid (name) state ppid ...", where the name may contain any
// characters.
std::multimap<pid_t, pid_t> ChildrenByParent() {
  std::multimap<pid_t, pid_t> children;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    std::ifstream file(entry.path() / "stat");
    std::ostringstream text;
    text << file.rdbuf();  // Nothing if the process has ended meanwhile.
    const std::string stat = text.str();
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos || name_end + 4 >= stat.size() || stat[name_end + 2] == 'Z') continue;
    pid_t parent = 0;
    std::from_chars(stat.data() + name_end + 4, stat.data() + stat.size(), parent);
    children.emplace(parent, pid);
  }
  return children;
}

void CollectDescendants(const std::multimap<pid_t, pid_t>& children, pid_t parent, std::vector<pid_t>& found) {
  const auto [begin, end] = children.equal_range(parent);
  for (auto child = begin; child != end; ++child) {
    found.push_back(child->second);
    CollectDescendants(children, child->second, found);
  }
}

}  // namespace

SshServer::SshServer(SshServerOptions options) : options_(std::move(options)), user_(CurrentUser()) {
  MakeKey("host_key", "");
  MakeKey("client_key", options_.key_passphrase);
  WriteFile(authorized_keys(), ReadFile(directory_ / "client_key.pub"), 0600);
  if (IsRoot()) fs::create_directories("/run/sshd");  // The directory to which its unprivileged part is confined.
  Start();
  TrustPort(port_);
}

SshServer::~SshServer() {
  try {
    Stop();
  } catch (const std::exception&) {  // Process's destructor kills the rest.
  }
}

void SshServer::MakeKey(const std::string& name, const std::string& passphrase) const {
  MustRun(
      {.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "rotv test", "-f", directory_ / name}});
}

std::string SshServer::Destination() const { return fmt::format("{}@127.0.0.1:{}", user_, port_); }

std::string SshServer::HostKey() const {
  const std::string line = ReadFile(directory_ / "host_key.pub");
  return line.substr(0, line.find(' ', line.find(' ') + 1));
}

void SshServer::TrustPort(int port) {
  trusted_ports_.push_back(port);
  std::string text;
  for (const int trusted : trusted_ports_) text += fmt::format("[127.0.0.1]:{} {}\n", trusted, HostKey());
  // In one step: a program that runs already may be reading it.
  const std::filesystem::path fresh = known_hosts().string() + ".new";
  WriteFile(fresh, text, 0600);
  std::filesystem::rename(fresh, known_hosts());
}

void SshServer::WriteConfiguration() const {
  std::string text;
  for (const std::string& line : options_.config_lines) text += line + "\n";
  std::string path;
  for (const std::string& directory : options_.path_prefix) path += directory + ":";
  std::string environment;
  for (const auto& [name, value] : options_.environment) environment += fmt::format(" {}=\"{}\"", name, value);
  text += fmt::format(
      "ListenAddress 127.0.0.1\nPort {}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n"
      "UsePAM {}\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
      "StrictModes no\nUseDNS no\nPrintMotd no\nPrintLastLog no\nLogLevel VERBOSE\n"
      "MaxStartups 100\nMaxSessions 100\nMaxAuthTries 20\n"
      "SetEnv SHLVL=1 PATH=\"{}/usr/local/bin:/usr/bin:/bin\"{}\n",
      port_, (directory_ / "host_key").string(), authorized_keys().string(), NeedsPam(user_) ? "yes" : "no", path,
      environment);
  const fs::path file = directory_ / "sshd_config";
  // Since OpenSSH 9.8 an address that fails too often is blocked, and tests fail on purpose. Older versions do not know
  // the setting.
  WriteFile(file, text + "PerSourcePenalties no\n");
  if (!RunCommand({.argv = {SshdBinary(), "-t", "-f", file}}).ok()) WriteFile(file, text);
}

void SshServer::Start() {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const bool is_first_start = process_ == nullptr;
    if (is_first_start) port_ = FreePort();
    WriteConfiguration();
    auto process = std::make_unique<Process>(
        Command{.argv = {SshdBinary(), "-D", "-e", "-f", directory_ / "sshd_config"}, .death_signal = SIGTERM});
    if (process->WaitForOutput("Server listening on", seconds(30)) && process->Running() && Listens(port_)) {
      if (!is_first_start) old_log_ += process_->Err();
      process_ = std::move(process);
      return;
    }
    const std::string log = process->Err();
    if (log.find("Address already in use") == std::string::npos || !is_first_start) {
      throw std::runtime_error("sshd does not start:\n" + log);
    }
  }
  throw std::runtime_error("sshd finds no free port");
}

void SshServer::Stop() {
  if (process_ == nullptr || !process_->Running()) return;
  // The daemon is stopped first, so that it accepts no connection while its sessions are killed.
  process_->Signal(SIGSTOP);
  KillSessions();
  process_->Signal(SIGKILL);
  process_->Wait();
}

void SshServer::KillSessions() {
  if (process_ == nullptr) return;
  std::vector<pid_t> sessions;
  CollectDescendants(ChildrenByParent(), process_->pid(), sessions);
  for (const pid_t pid : sessions) kill(pid, SIGKILL);
}

int SshServer::Sessions() const {
  if (process_ == nullptr) return 0;
  return static_cast<int>(ChildrenByParent().count(process_->pid()));
}

void SshServer::ReplaceHostKey() {
  Stop();
  fs::remove(directory_ / "host_key");
  fs::remove(directory_ / "host_key.pub");
  MakeKey("host_key", "");
  Start();
}

Command SshServer::ClientCommand(const std::vector<std::string>& arguments) const {
  Command command;
  command.argv = {"ssh",
                  "-F",
                  "none",
                  "-i",
                  client_key(),
                  "-o",
                  "IdentitiesOnly=yes",
                  "-o",
                  "BatchMode=yes",
                  "-o",
                  "StrictHostKeyChecking=yes",
                  "-o",
                  "UserKnownHostsFile=" + known_hosts().string(),
                  "-o",
                  "GlobalKnownHostsFile=none",
                  "-p",
                  std::to_string(port_),
                  "-l",
                  user_,
                  "127.0.0.1"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.unset_env = {"SSH_AUTH_SOCK"};
  return command;
}

std::string SshServer::log() const { return old_log_ + (process_ == nullptr ? "" : process_->Err()); }

}  // namespace rotv::testing
