#include "sync/remote/sftp_place.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <mutex>
#include <utility>

#include "os/clock.h"
#include "os/random_text.h"
#include "os/shell_quote.h"
#include "storage/error.h"
#include "sync/context/link_error.h"
#include "sync/context/link_retry.h"
#include "sync/link/sftp.h"
#include "sync/remote/object_hash.h"

// The files are those of directory_place.cc. SFTP knows neither a lock nor a rename that replaces a file, so the one
// step that needs both is a script there, which does what that file does: it compares and replaces the head under the
// lock.

namespace rotv::remote {
namespace {

constexpr uint32_t kOwnersFile = 0600;
constexpr uint32_t kReaders = 0044;
constexpr uint32_t kLockers = 0066;  // Whoever may write there may publish.
constexpr const char* kNeeds = "whoever publishes needs a shell there, with flock, b2sum, mv and sync; readers do not";

class SftpPlace : public RemotePlace {
  // Opened once more after it broke.
  link::Sftp& Connected() {
    if (sftp_ == nullptr) {
      link::SshOptions options;
      options.target = address_.url.target;
      options.identity = address_.identity;
      options.known_hosts = address_.known_hosts;
      options.stall_timeout = std::chrono::seconds(context_.source.stall_timeout_s);
      sftp_ = link::Sftp::Open(options, context_.interrupt);
    }
    return *sftp_;
  }

  // What the function does may have been done already when the link broke: it is done again.
  template <typename Function>
  auto Do(const Function& function) {
    const std::lock_guard lock(mutex_);
    LinkRetry retry(context_);
    if (sftp_ != nullptr) retry.Reached();
    while (true) {
      try {
        link::Sftp& sftp = Connected();
        retry.Reached();
        return function(sftp);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kUnreachable) throw;
        const LinkError::Kind kind = sftp_ == nullptr ? LinkError::Kind::kNotMade : LinkError::Kind::kBroke;
        sftp_.reset();
        retry.Wait(LinkError(kind, error.what(), error.hint()));
      }
    }
  }

 public:
  SftpPlace(const SftpAddress& address, Purpose purpose, const Context& context)
      : address_(address), context_(context), directory_(address.url.directory), description_(Describe(address.url)) {
    if (purpose == Purpose::kPublish) {
      Make();
      return;
    }
    const auto found = Do([&](link::Sftp& sftp) { return sftp.Find(directory_); });
    if (found && found->is_directory) return;
    throw Error(ErrorCode::kUnreachable, fmt::format("there is no directory {}", description_),
                "publish there first, or correct the remote's url in rotv.toml");
  }

  const std::string& description() const override { return description_; }

  std::optional<std::string> ReadHead() override {
    std::optional<std::string> head =
        Do([&](link::Sftp& sftp) { return sftp.Read(directory_ + "/head", kMostHeadBytes); });
    if (head && head->size() > kMostHeadBytes) {
      throw Error(ErrorCode::kCorrupt, fmt::format("the head of {} is larger than what is published", description_),
                  "remove it there and publish once more, on the machine that follows the source");
    }
    return head;
  }

  bool ReplaceHead(const std::optional<std::string>& before, std::string_view head) override {
    const std::string name = TemporaryName("head");
    Do([&](link::Sftp& sftp) { return sftp.Write(directory_ + "/" + name, head, FileMode()), true; });
    const std::string script = fmt::format(
        "cd {} && exec 9>>lock && {{ chmod {:o} lock 2>/dev/null; flock 9; }} || exit 1; have=nothing; "
        "if [ -e head ]; then have=$(b2sum -l 256 <head) || exit 1; fi; "
        "if [ \"${{have%% *}}\" = {} ]; then sync objects {} && mv -f {} head && sync . && echo replaced; "
        "else rm -f {}; echo other; fi",
        os::ShellQuote(directory_), kOwnersFile | (mode_ & kLockers), before ? HashText(HashOf(*before)) : "nothing",
        name, name, name);
    // Not tried again: whether it was done before the link broke, the next run sees.
    const std::lock_guard lock(mutex_);
    return Connected().RunScript(script, kNeeds) == "replaced\n";
  }

  std::string ReadObject(const std::string& name, uint64_t bytes) override {
    std::optional<std::string> content = Do([&](link::Sftp& sftp) { return sftp.Read(PathOf(name), bytes); });
    if (content && content->size() == bytes) return *std::move(content);
    if (!content) throw NotAsPublished(description_, "lacks", name);
    throw NotAsPublished(description_, content->size() < bytes ? "has only a part of" : "has more than", name);
  }

  // One of another user cannot be kept.
  bool KeepObject(const std::string& name) override {
    try {
      return Do([&](link::Sftp& sftp) { return sftp.SetTime(PathOf(name), Now()), true; });
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kRefused) throw;
      return false;
    }
  }

  void WriteObject(const std::string& name, std::string_view bytes) override {
    Do([&](link::Sftp& sftp) {
      const std::string temporary = PathOf(TemporaryName(name));
      sftp.Write(temporary, bytes, FileMode());
      sftp.Rename(temporary, PathOf(name));
      return true;
    });
  }

  std::vector<Listed> ListObjects() override {
    std::vector<Listed> listed;
    for (const link::Sftp::Found& found : Do([&](link::Sftp& sftp) { return sftp.List(directory_ + "/objects"); })) {
      listed.push_back({.name = found.name, .bytes = found.bytes, .age_s = Now() - found.modified_s});
    }
    return listed;
  }

  bool RemoveObject(const std::string& name) override {
    try {
      return Do([&](link::Sftp& sftp) { return sftp.Remove(PathOf(name)), true; });
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kRefused) throw;
      return false;  // What stays is removed another time.
    }
  }

 private:
  static std::string Describe(const SftpUrl& url) {
    const bool below_home = url.directory.front() == '.';
    return fmt::format("ssh://{}{}{}", ToString(url.target), below_home ? "/~" : "",
                       below_home ? url.directory.substr(1) : url.directory);
  }

  // Rows are in it: it is for its owner alone until that one gives it to others.
  void Make() {
    const std::string clock = Do([&](link::Sftp& sftp) {
      return sftp.RunScript(
          fmt::format(
              "for x in flock b2sum mv sync; do command -v $x >/dev/null || {{ echo \"no $x\" >&2; exit 1; }}; done; "
              // Another publisher may make `objects` at the same time, and own it.
              "umask 077; mkdir -p {0} && {{ [ -d {0}/objects ] || {{ mkdir -p {0}/objects && "
              "{{ chmod --reference={0} {0}/objects || [ ! -O {0}/objects ]; }}; }}; }} && "
              "{{ find {0} -maxdepth 1 -name 'head.*.part' -mmin +60 -delete; date +%s; }}",
              os::ShellQuote(directory_)),
          kNeeds);
    });
    int64_t there = 0;
    if (std::from_chars(clock.data(), clock.data() + clock.size(), there).ec != std::errc()) {
      throw Error(ErrorCode::kProtocol, fmt::format("{} does not say what time it is", description_), kNeeds);
    }
    ahead_s_ = there - os::NowMicroseconds() / 1'000'000;
    const auto found = Do([&](link::Sftp& sftp) { return sftp.Find(directory_); });
    if (!found || !found->is_directory) {
      throw Error(ErrorCode::kRefused, fmt::format("{} shows another directory by SFTP than to a shell", description_),
                  "where sshd confines SFTP to a directory (ChrootDirectory), it must confine the shell too");
    }
    mode_ = found->mode;
  }

  // Whoever may read the directory may read what is in it: who that is, its owner has decided.
  uint32_t FileMode() const { return kOwnersFile | (mode_ & kReaders); }

  std::string PathOf(const std::string& name) const { return directory_ + "/objects/" + name; }
  static std::string TemporaryName(const std::string& name) {
    return name + "." + os::RandomText(os::kHexDigits, 16) + ".part";
  }
  int64_t Now() const { return os::NowMicroseconds() / 1'000'000 + ahead_s_; }

  const SftpAddress address_;
  const Context& context_;
  const std::string directory_;
  const std::string description_;
  std::mutex mutex_;  // SFTP is one thread's at a time.
  std::unique_ptr<link::Sftp> sftp_;
  uint32_t mode_ = 0700;
  int64_t ahead_s_ = 0;  // How far the host's clock is ahead of ours.
};

}  // namespace

std::unique_ptr<RemotePlace> OpenSftp(const SftpAddress& address, Purpose purpose, const Context& context) {
  return std::make_unique<SftpPlace>(address, purpose, context);
}

}  // namespace rotv::remote
