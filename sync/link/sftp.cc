#include "sync/link/sftp.h"

#include <fcntl.h>
#include <libssh/sftp.h>
#include <sys/time.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "fmt/format.h"
#include "storage/error.h"
#include "sync/link/call_guard.h"
#include "sync/link/remote_shell.h"

// libssh's SFTP wants a session that blocks; then it waits for ever, also for a host that is gone, and knows no
// interrupt. So a guard beside it cuts the connection. Every call asks for a bounded number of bytes: its time is
// limited without a limit for a file's.

namespace rotv::link {
namespace {

// What OpenSSH takes in one message (SFTP_MAX_MSG_LENGTH), less its own fields: as few round trips as can be.
constexpr size_t kOpensshPiece = size_t{255} << 10;
constexpr size_t kMostText = size_t{1} << 20;   // What a script prints, with what a login prints before it.
constexpr size_t kMostFound = 4'000'000;        // Files of a directory.
constexpr size_t kAnyPiece = size_t{32} << 10;  // What every server must take, by the draft.

struct SessionDeleter {
  void operator()(sftp_session session) const { sftp_free(session); }
};
// Its messages wait for answers, so they are calls too.
struct FileDeleter {
  CallGuard* guard;
  void operator()(sftp_file file) const {
    guard->Run([&] { return sftp_close(file); });
  }
};
struct DirectoryDeleter {
  CallGuard* guard;
  void operator()(sftp_dir directory) const {
    guard->Run([&] { return sftp_closedir(directory); });
  }
};
struct ChannelDeleter {
  CallGuard* guard;
  void operator()(ssh_channel channel) const {
    guard->Run([&] { return ssh_channel_close(channel); });
    ssh_channel_free(channel);
  }
};
struct AttributesDeleter {
  void operator()(sftp_attributes attributes) const { sftp_attributes_free(attributes); }
};
using Attributes = std::unique_ptr<sftp_attributes_struct, AttributesDeleter>;
using File = std::unique_ptr<sftp_file_struct, FileDeleter>;
using Directory = std::unique_ptr<sftp_dir_struct, DirectoryDeleter>;
using Channel = std::unique_ptr<ssh_channel_struct, ChannelDeleter>;

std::string FirstLine(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n'));
  return line.empty() ? "it says nothing" : line;
}

class LibsshSftp : public Sftp {
  // First: what it returns is deduced.
  template <typename Function>
  auto Call(const Function& function) {
    interrupt_.Check();
    return guard_.Run(function);
  }

 public:
  LibsshSftp(std::unique_ptr<SshSession> ssh, std::chrono::milliseconds stall_timeout, const Interrupt& interrupt)
      : ssh_(std::move(ssh)), interrupt_(interrupt), guard_(ssh_get_fd(ssh_->get()), stall_timeout, interrupt) {
    ssh_set_blocking(ssh_->get(), 1);
    const bool works = Call([&] {
      session_.reset(sftp_new(ssh_->get()));
      return session_ != nullptr && sftp_init(session_.get()) == SSH_OK;
    });
    if (!works) {
      RequireLink();
      throw Error(ErrorCode::kRefused, fmt::format("{} has no SFTP: {}", ssh_->label(), ssh_get_error(ssh_->get())),
                  "its sshd_config needs: Subsystem sftp internal-sftp");
    }
    piece_ = sftp_extension_supported(session_.get(), "posix-rename@openssh.com", "1") != 0 ? kOpensshPiece : kAnyPiece;
  }

  ~LibsshSftp() override {
    guard_.Run([&] { return session_.reset(), true; });
  }

  const std::string& label() const override { return ssh_->label(); }

  std::optional<Found> Find(const std::string& path) override {
    const Attributes attributes(Call([&] { return sftp_stat(session_.get(), path.c_str()); }));
    if (attributes != nullptr) return FoundOf(*attributes);
    if (!NothingThere()) Fail("read", path);
    return std::nullopt;
  }

  std::vector<Found> List(const std::string& path) override {
    const Directory directory(Call([&] { return sftp_opendir(session_.get(), path.c_str()); }),
                              DirectoryDeleter{&guard_});
    if (directory == nullptr) Fail("read", path);
    std::vector<Found> found;
    while (true) {
      const Attributes attributes(Call([&] { return sftp_readdir(session_.get(), directory.get()); }));
      if (attributes == nullptr) break;
      const std::string name = attributes->name;
      if (name == "." || name == "..") continue;
      found.push_back(FoundOf(*attributes));
      found.back().name = name;
      if (found.size() > kMostFound) throw Error(ErrorCode::kProtocol, fmt::format("{} has no end", path));
    }
    if (sftp_dir_eof(directory.get()) == 0) Fail("read", path);
    return found;
  }

  std::optional<std::string> Read(const std::string& path, uint64_t most) override {
    const File file = OpenFile(path, O_RDONLY, 0);
    if (file == nullptr) {
      if (!NothingThere()) Fail("read", path);
      return std::nullopt;
    }
    const Attributes attributes(Call([&] { return sftp_fstat(file.get()); }));
    if (attributes != nullptr && attributes->type == SSH_FILEXFER_TYPE_DIRECTORY) {
      throw Error(ErrorCode::kCorrupt, fmt::format("{} has a directory in place of the file {}", ssh_->label(), path),
                  "remove it there");
    }
    std::string bytes;
    std::string piece(piece_, '\0');
    while (bytes.size() <= most) {
      const ssize_t read = Call([&] { return sftp_read(file.get(), piece.data(), piece.size()); });
      if (read < 0) Fail("read", path);
      if (read == 0) break;
      bytes.append(piece, 0, static_cast<size_t>(read));
    }
    return bytes;
  }

  void Write(const std::string& path, std::string_view bytes, uint32_t mode) override {
    const File file = OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (file == nullptr) Fail("write", path);
    for (size_t done = 0; done < bytes.size();) {
      const size_t size = std::min(piece_, bytes.size() - done);
      const ssize_t written = Call([&] { return sftp_write(file.get(), bytes.data() + done, size); });
      if (written <= 0) Fail("write", path);
      done += static_cast<size_t>(written);
    }
    // What was there before keeps its mode, and the login's umask takes from it.
    if (Call([&] { return sftp_chmod(session_.get(), path.c_str(), mode); }) != SSH_OK) Fail("change", path);
    if (sftp_extension_supported(session_.get(), "fsync@openssh.com", "1") != 0 &&
        Call([&] { return sftp_fsync(file.get()); }) != SSH_OK) {
      Fail("write", path);
    }
  }

  void Rename(const std::string& from, const std::string& to) override {
    const auto rename = [&] { return sftp_rename(session_.get(), from.c_str(), to.c_str()); };
    if (Call(rename) == SSH_OK) return;
    // Version 3 renames to nothing that is there.
    const Error error = ErrorFor("rename", from);
    if (!Find(to)) throw error;
    Remove(to);
    if (Call(rename) != SSH_OK) Fail("rename", from);
  }

  void Remove(const std::string& path) override {
    if (Call([&] { return sftp_unlink(session_.get(), path.c_str()); }) != SSH_OK && !NothingThere()) {
      Fail("remove", path);
    }
  }

  void SetTime(const std::string& path, int64_t modified_s) override {
    const timeval time{.tv_sec = modified_s, .tv_usec = 0};
    const timeval times[2] = {time, time};
    if (Call([&] { return sftp_utimes(session_.get(), path.c_str(), times); }) != SSH_OK) Fail("change", path);
  }

  std::string RunScript(const std::string& script, const std::string& hint) override {
    const Channel channel = OpenChannel(script, hint);
    std::string out = ReadAll(channel.get(), 0);
    const std::string messages = ReadAll(channel.get(), 1);
    const int status = Call([&] { return ssh_channel_get_exit_status(channel.get()); });
    RequireLink();
    const size_t begins = out.find(kBegins);
    if (begins == std::string::npos || status != 0) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("{} did not run a command: {}", ssh_->label(),
                              FirstLine(begins == 0 ? messages : out + messages)),
                  hint);
    }
    return out.substr(begins + kBegins.size());
  }

 private:
  Channel OpenChannel(const std::string& script, const std::string& hint) {
    const std::string line = LineForAnyShell(PrintLine(kBegins) + script);
    Channel channel(Call([&] { return ssh_channel_new(ssh_->get()); }), ChannelDeleter{&guard_});
    const bool runs = Call([&] {
      return channel != nullptr && ssh_channel_open_session(channel.get()) == SSH_OK &&
             ssh_channel_request_exec(channel.get(), line.c_str()) == SSH_OK;
    });
    if (!runs) {
      RequireLink();
      throw Error(ErrorCode::kRefused,
                  fmt::format("{} runs no commands: {}", ssh_->label(), ssh_get_error(ssh_->get())), hint);
    }
    return channel;
  }

  std::string ReadAll(ssh_channel channel, int is_stderr) {
    std::string text;
    char piece[4096];
    while (true) {
      const int read = Call([&] { return ssh_channel_read(channel, piece, sizeof piece, is_stderr); });
      if (read < 0) RequireLink();
      if (read <= 0) return text;
      text.append(piece, static_cast<size_t>(read));
      if (text.size() > kMostText)
        throw Error(ErrorCode::kProtocol, fmt::format("{} does not stop writing", ssh_->label()));
    }
  }

  File OpenFile(const std::string& path, int flags, uint32_t mode) {
    return {Call([&] { return sftp_open(session_.get(), path.c_str(), flags, mode); }), FileDeleter{&guard_}};
  }

  static Found FoundOf(const sftp_attributes_struct& attributes) {
    return {.bytes = attributes.size,
            .modified_s = attributes.mtime,
            .mode = attributes.permissions & 07777,
            .is_file = attributes.type == SSH_FILEXFER_TYPE_REGULAR,
            .is_directory = attributes.type == SSH_FILEXFER_TYPE_DIRECTORY};
  }

  bool NothingThere() const {
    const int code = sftp_get_error(session_.get());
    return code == SSH_FX_NO_SUCH_FILE || code == SSH_FX_NO_SUCH_PATH;
  }

  void RequireLink() const {
    interrupt_.Check();
    if (guard_.timed_out()) {
      throw Error(ErrorCode::kUnreachable, fmt::format("no answer from {} in time", ssh_->label()),
                  "check the network, then try again");
    }
    if (ssh_is_connected(ssh_->get()) == 0) {
      throw Error(ErrorCode::kUnreachable, fmt::format("the connection to {} was lost", ssh_->label()), "try again");
    }
  }

  Error ErrorFor(const char* verb, const std::string& path) const {
    RequireLink();
    const int code = sftp_get_error(session_.get());
    const bool denied = code == SSH_FX_PERMISSION_DENIED;
    const char* why = denied                               ? "permission denied"
                      : NothingThere()                     ? "there is no such file or directory"
                      : code == SSH_FX_OP_UNSUPPORTED      ? "it does not know how"
                      : code == SSH_FX_FILE_ALREADY_EXISTS ? "something is there already"
                                                           : "it does not say why (a full disk, a quota?)";
    return Error(ErrorCode::kRefused, fmt::format("{} did not {} {}: {}", ssh_->label(), verb, path, why),
                 denied ? "the login there needs the right to do so" : "look at the disk and at the sshd log there");
  }

  [[noreturn]] void Fail(const char* verb, const std::string& path) const { throw ErrorFor(verb, path); }

  const std::unique_ptr<SshSession> ssh_;
  const Interrupt& interrupt_;
  CallGuard guard_;
  std::unique_ptr<sftp_session_struct, SessionDeleter> session_;
  size_t piece_ = kAnyPiece;
};

}  // namespace

std::unique_ptr<Sftp> Sftp::Open(const SshOptions& options, const Interrupt& interrupt) {
  return std::make_unique<LibsshSftp>(SshSession::Connect(options, interrupt), options.stall_timeout, interrupt);
}

}  // namespace rotv::link
