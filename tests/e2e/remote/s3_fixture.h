// Base of the tests of remotes in an S3 store: what is published and followed goes through a relay that sees and may
// break each request.

#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "tests/e2e/remote/remote_fixture.h"
#include "tests/support/servers/http_relay.h"
#include "tests/support/servers/s3_server.h"

namespace rotv::testing {

// One for the program, like the server; and a prefix for each test, with what has to be encoded in a URL.
inline HttpRelay& S3Relay() {
  static HttpRelay relay(S3Server::Shared().port());
  return relay;
}
inline std::string NewPrefix() {
  static int count = 0;
  return fmt::format("a team=1/ü+{}", ++count);
}

class S3Test : public RemoteTest {
 protected:
  S3Test() : S3Test(NewPrefix()) {}

  explicit S3Test(const std::string& prefix) : RemoteTest(Options(prefix)), prefix_(prefix) {
    relay().SetReaction({});
    store().WriteCredentials(rotv.directory() / "user");
    ConfigureFollower(url(), "endpoint = \"" + relay().url() + "\"\n");
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, md5(n::text) FROM "
        "generate_series(1, 2000) n");
    rotv.MustSync({"baseline"});
  }

  static HttpRelay& relay() { return S3Relay(); }
  static S3Server& store() { return S3Server::Shared(); }

  std::string url() const { return "s3://" + store().bucket() + "/" + prefix_; }
  const std::string& prefix() const { return prefix_; }
  // As curl wants it.
  std::string EncodedKey(const std::string& name) const {
    std::string key;
    for (const char c : prefix_ + "/" + name) {
      const bool is_plain = isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '-';
      key += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return key;
  }

  // "GET head", "PUT objects/…", "LIST": what was asked for since the last call.
  std::vector<std::string> Asked() const {
    std::vector<std::string> asked;
    for (const SeenRequest& request : relay().TakeSeen()) asked.push_back(NameOf(request));
    return asked;
  }
  static std::string NameOf(const SeenRequest& request) {
    if (request.target.find("list-type=2") != std::string::npos) return "LIST";
    const size_t object = request.target.find("/objects/");
    if (object != std::string::npos) return request.method + " object";
    const std::string name = request.target.substr(request.target.rfind('/') + 1);
    return request.method + " " + (name.starts_with("probe-") ? "probe" : name);
  }

 private:
  static RotvHomeOptions Options(const std::string& prefix) {
    RotvHomeOptions options = FollowOptions();
    options.more_config = fmt::format("[remotes.team]\nurl = \"s3://{}/{}\"\nendpoint = \"{}\"\nkeep_days = 0\n",
                                      store().bucket(), prefix, relay().url());
    return options;
  }

  const std::string prefix_;
};

// An error as an S3 store says it.
inline Reaction S3Says(int status, const std::string& code, std::map<std::string, std::string> headers = {}) {
  return {.kind = Reaction::Kind::kAnswer,
          .status = status,
          .headers = std::move(headers),
          .body = "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>no</Message></Error>"};
}

}  // namespace rotv::testing
