#include "tests/bench/remote_part.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "tests/support/servers/http_relay.h"
#include "tests/support/servers/s3_server.h"

namespace rotv::bench {

namespace fs = std::filesystem;
using testing::Command;
using testing::HttpRelay;
using testing::MustRun;
using testing::Process;
using testing::Result;
using testing::S3Server;

namespace {

constexpr int kFollowers = 50;
constexpr int kPublicationsBehind = 30;

class RemotePart {
 public:
  RemotePart(MeasuredSource& source, const DataSize& size, int repeat)
      : source_(source), size_(size), repeat_(repeat), relay_(S3Server::Shared().port()) {
    S3Server::Shared().WriteCredentials(source_.home().directory() / "user");
  }

  RemoteSamples Run() {
    for (int i = 0; i < repeat_; ++i) MeasureWhole(i);
    for (int i = 0; i < repeat_; ++i) MeasureOnePercent(i);
    CountRequests();
    CountPulledBytes();
    RequireSameSeed(follower_);
    FallBehind();
    RequireSameSeed(follower_);
    FollowAllAtOnce();
    MustRun(Publisher({"detach"}));
    return samples_;
  }

 private:
  // A baseline, and a follower of it, each in a remote of its own.
  void MeasureWhole(int number) {
    if (number > 0) MustRun(Publisher({"detach"}));
    for (const fs::path& home : {publisher_, follower_}) fs::remove_all(home);
    url_ = fmt::format("s3://{}/bench-{}", S3Server::Shared().bucket(), number);
    source_.Measure(Publisher({"baseline"}), &samples_.baseline);
    samples_.store_bytes = BytesIn(publisher_ / "sources");
    source_.Measure(Publisher({"publish", "team"}), &samples_.publish_all);
    source_.Measure(Follower(follower_, {"pull"}), &samples_.from_nothing);
  }

  void MeasureOnePercent(int number) {
    ChangeOnePercent(source_.server(), size_, round_++);
    source_.Measure(Publisher({"pull"}), &samples_.pull);
    MustRun(Publisher({"compact"}));  // Else it goes on beside what is measured next.
    source_.Measure(Publisher({"publish", "team"}), &samples_.publish);
    source_.Measure(Follower(follower_, {"pull"}), &samples_.follow);
    MustRun(Follower(follower_, {"compact"}));
    source_.Measure(Follower(follower_, {"pull"}), &samples_.nothing_new);
    if (number > 0) return;
    // Of one that has nothing of it yet.
    samples_.follow_bytes = LastStepBytes();
  }

  // What a follower has taken that was up to date before the last publication.
  uint64_t LastStepBytes(const std::string& remote = "team") {
    const nlohmann::json status =
        nlohmann::json::parse(MustRun(Publisher({"--json", "publish", remote, "--status"})).out).at("published");
    for (const nlohmann::json& level : status.at("levels")) {
      if (level.at("publications") == 1) return level.at("bytes").get<uint64_t>() / level.at("steps").get<uint64_t>();
    }
    throw std::runtime_error("no step was published");
  }

  // Through a relay, which takes time: nothing of it is measured.
  void CountRequests() {
    is_counted_ = true;
    const auto requests_of = [&](const Command& command) {
      relay_.TakeSeen();
      const Result result = MustRun(command);
      return std::pair(relay_.TakeSeen().size(), result.out);
    };
    // The first publication by way of the relay tries what the store can do: it is another address.
    for (int i = 0; i < 2; ++i) {
      ChangeOnePercent(source_.server(), size_, round_++);
      MustRun(Publisher({"pull"}));
      samples_.publish_requests = requests_of(Publisher({"publish", "team"})).first;
      samples_.follow_requests = requests_of(Follower(follower_, {"pull"})).first;
    }
    samples_.nothing_new_requests = requests_of(Follower(follower_, {"pull"})).first;
    const fs::path new_home = source_.Path("counted-follower");
    const auto [requests, out] = requests_of(Follower(new_home, {"--json", "pull"}));
    samples_.from_nothing_requests = requests;
    samples_.from_nothing_bytes = nlohmann::json::parse(out).at("bytes").get<uint64_t>();
    fs::remove_all(new_home);
    is_counted_ = false;
  }

  void CountPulledBytes() {
    Samples counted{"pull of 1 % through ssh, slow link"};
    ChangeOnePercent(source_.server(), size_, round_++);
    source_.MeasureOverSlowLink(Publisher({"pull"}, source_.SlowConfig()), &counted);
    samples_.pull_bytes = counted.MedianWireBytes();
    MustRun(Publisher({"publish", "team"}));
    MustRun(Follower(follower_, {"pull"}));
  }

  // Other rows change each time. Another remote gets all of it in one publication.
  void FallBehind() {
    MustRun(Publisher({"publish", "once"}));
    for (int i = 0; i < kPublicationsBehind; ++i) {
      ChangeOnePercent(source_.server(), size_, round_++);
      MustRun(Publisher({"pull"}));
      MustRun(Publisher({"publish", "team"}));
    }
    MustRun(Publisher({"publish", "once"}));
    samples_.behind.count = kPublicationsBehind;
    samples_.behind.bytes_at_once = LastStepBytes("once");
    is_counted_ = true;
    relay_.TakeSeen();
    const nlohmann::json pulled = nlohmann::json::parse(MustRun(Follower(follower_, {"--json", "pull"})).out);
    samples_.behind.requests = relay_.TakeSeen().size();
    samples_.behind.bytes = pulled.at("bytes").get<uint64_t>();
    is_counted_ = false;
  }

  void FollowAllAtOnce() {
    const auto room = fs::space(source_.Path("")).available;
    if (room < 3 * kFollowers * samples_.store_bytes) return;
    std::vector<fs::path> homes;
    for (int i = 0; i < kFollowers; ++i) homes.push_back(source_.Path(fmt::format("follower-{}", i)));
    ChangeOnePercent(source_.server(), size_, round_++);
    MustRun(Publisher({"pull"}));
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::unique_ptr<Process>> pulls;
    Command pull = Follower(homes.front(), {"pull"});
    for (const fs::path& home : homes) {
      pull.argv.at(2) = home;
      pulls.push_back(std::make_unique<Process>(pull));
    }
    // In another file than theirs.
    samples_.followers.publish_seconds =
        MustRun(Publisher({"publish", "team"}, source_.SshConfig(), "publishing.toml")).seconds;
    for (const auto& process : pulls) {
      const Result result = process->Wait();
      if (!result.ok()) throw std::runtime_error("a follower has failed: " + result.err);
      samples_.followers.processor_seconds += result.processor_seconds;
      samples_.followers.peak_kib = std::max(samples_.followers.peak_kib, result.peak_rss_kib);
    }
    samples_.followers.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    samples_.followers.count = kFollowers;
    for (const fs::path& home : homes) {
      MustRun(Follower(home, {"pull"}));
      RequireSameSeed(home);
      fs::remove_all(home);
    }
  }

  void RequireSameSeed(const fs::path& home) {
    const fs::path ours = source_.Path("ours.sql"), theirs = source_.Path("theirs.sql");
    MustRun(Publisher({"materialize", "--restrict", "never", "--output", ours}));
    MustRun(Follower(home, {"materialize", "--restrict", "never", "--output", theirs}));
    MustRun({.argv = {"cmp", ours, theirs}});
    for (const fs::path& seed : {ours, theirs}) fs::remove(seed);
  }

  std::string endpoint() const { return is_counted_ ? relay_.url() : S3Server::Shared().endpoint(); }

  Command Publisher(const std::vector<std::string>& arguments) { return Publisher(arguments, source_.SshConfig()); }
  Command Publisher(const std::vector<std::string>& arguments, const fs::path& config,
                    const std::string& name = "publisher.toml") {
    const fs::path path = source_.Path(name);
    testing::WriteFile(
        path, testing::ReadFile(config) + fmt::format("[remotes.team]\nurl = \"{0}\"\nendpoint = \"{1}\"\n"
                                                      "[remotes.once]\nurl = \"{0}-once\"\nendpoint = \"{1}\"\n",
                                                      url_, endpoint()));
    Command command = source_.Sync(publisher_, path, arguments);
    if (name != "publisher.toml") command.argv.at(4) = path;
    return command;
  }
  Command Follower(const fs::path& home, const std::vector<std::string>& arguments) {
    const fs::path path = source_.Path("follower.toml");
    testing::WriteFile(path, fmt::format("[sources.copy]\nremote = \"{}\"\nendpoint = \"{}\"\n", url_, endpoint()));
    Command command = source_.Sync(home, path, arguments);
    command.argv.at(4) = path;
    return command;
  }

  MeasuredSource& source_;
  const DataSize& size_;
  const int repeat_;
  HttpRelay relay_;
  bool is_counted_ = false;
  std::string url_;
  int64_t round_ = 100;  // Other rows than elsewhere.
  const fs::path publisher_ = source_.Path("publisher-home");
  const fs::path follower_ = source_.Path("follower-home");
  RemoteSamples samples_;
};

}  // namespace

RemoteSamples MeasureRemote(MeasuredSource& source, const DataSize& size, int repeat) {
  return RemotePart(source, size, repeat).Run();
}

}  // namespace rotv::bench
