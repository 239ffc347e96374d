// An S3 store that fails, refuses, or has something else than what was published.

#include <atomic>

#include "tests/e2e/remote/s3_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using Kind = Reaction::Kind;

// Breaks one request of a command: the number-th, in one of the ways.
class OneFailure {
 public:
  OneFailure(int number, int way) : number_(number), way_(way) {}

  Reaction operator()(const SeenRequest&) {
    if (seen_++ != number_) return {};
    switch (way_) {
      case 0:
        return S3Says(500, "InternalError");
      case 1:
        return S3Says(503, "SlowDown", {{"Retry-After", "0"}});
      case 2:
        return {.kind = Kind::kCut};
      case 3:
        return {.kind = Kind::kCutAnswer};
      default:
        return {.kind = Kind::kLoseAnswer};
    }
  }
  static constexpr int kWays = 5;

 private:
  const int number_;
  const int way_;
  int seen_ = 0;
};

class S3FailureTest : public S3Test {
 protected:
  // Fails the test unless the command ends with `status` and says `words` and what to do.
  void ExpectEnd(const Result& result, int status, const std::string& words) {
    EXPECT_EQ(result.exit_status, status) << result.err;
    EXPECT_THAT(result.err, HasSubstr(words));
    EXPECT_THAT(result.err, HasSubstr("hint: "));
  }
};

// Labels: slow
TEST_F(S3FailureTest, EachRequestMayFailOnce) {
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  int row = 1;
  const auto publish_and_follow = [&](int number, int way) {
    Exec("UPDATE t SET v = v || 'x' WHERE id = " + std::to_string(row++));
    rotv.MustSync({"pull"});
    relay().TakeSeen();
    relay().SetReaction(OneFailure(number, way));
    rotv.MustSync({"publish"});
    const size_t publish_requests = relay().TakeSeen().size();
    relay().SetReaction(OneFailure(number, way));
    MustFollow({"pull"});
    const size_t requests = std::max(publish_requests, relay().TakeSeen().size());
    relay().SetReaction({});
    EXPECT_EQ(rotv.MustSync({"log", "--json"}), MustFollow({"log", "--json"})) << number << " " << way;
    return requests > static_cast<size_t>(number);
  };
  for (int way = 0; way < OneFailure::kWays && !HasFailure(); ++way) {
    for (int number = 0; publish_and_follow(number, way) && !HasFailure(); ++number) {
    }
  }
  ExpectSeedEqualsDump(rotv.server(), FollowerSeed(), {.import = Import::kNone});
}

TEST_F(S3FailureTest, AStoreThatStaysInTroubleOrHangsIsGivenUp) {
  ConfigureFollower(url(), "endpoint = \"" + relay().url() + "\"\nstall_timeout = 4\nretries = 1\n");
  rotv.MustSync({"publish"});
  relay().SetReaction([](const SeenRequest&) { return S3Says(503, "SlowDown"); });
  ExpectEnd(Follower({"pull"}), 4, "503 SlowDown");
  ExpectEnd(rotv.Sync({"publish", "--no-retry"}), 4, "503 SlowDown");
  std::atomic<int> hung = 0;
  relay().SetReaction([&](const SeenRequest&) { return ++hung == 2 ? Reaction{.kind = Kind::kHang} : Reaction(); });
  MustFollow({"pull"});  // The second attempt for the object is answered.
  EXPECT_EQ(hung, 3);
  relay().SetReaction({});
  FollowerIsDump();
}

TEST_F(S3FailureTest, WhatIsNotAsPublishedIsNotTaken) {
  rotv.MustSync({"publish"});
  Exec("DELETE FROM t WHERE id < 10");
  PullAndPublish();
  const std::vector<std::string> keys = store().Keys(EncodedKey("objects/"));
  ASSERT_EQ(keys.size(), 2u);
  const auto name_of = [](const std::string& key) { return "objects/" + key.substr(key.rfind('/') + 1); };
  const std::string one = EncodedKey(name_of(keys[0]));
  const std::string other = EncodedKey(name_of(keys[1]));
  const std::filesystem::path kept = rotv.directory() / "kept";
  const std::filesystem::path part = rotv.directory() / "part";
  WriteFile(kept, store().Get(one));
  WriteFile(part, ReadFile(kept).substr(1));
  store().Put(one, part);
  ExpectEnd(Follower({"pull"}), 7, "object");
  std::string flipped = ReadFile(kept);
  flipped[flipped.size() / 2] ^= 1;
  WriteFile(part, flipped);
  store().Put(one, part);
  ExpectEnd(Follower({"pull"}), 7, "is damaged");
  WriteFile(part, store().Get(other));
  store().Put(one, part);  // Another object of the same remote.
  ExpectEnd(Follower({"pull"}), 7, "object");
  store().Delete(one);
  ExpectEnd(Follower({"pull"}), 7, "lacks the object");
  EXPECT_EQ(Follower({"materialize", "--output", "-"}).exit_status, 2);  // Nothing was taken.
  store().Put(one, kept);
  FollowerIsDump();
}

TEST_F(S3FailureTest, EachRefusalSaysWhatToDo) {
  const std::string head = "[sources.copy]\nendpoint = \"" + relay().url() + "\"\nremote = ";
  const auto pull_from = [&](const std::string& place) {
    WriteFile(rotv.directory() / "follower.toml", head + "\"" + place + "\"\n");
    return Follower({"pull"});
  };
  ExpectEnd(pull_from("s3://no-such-bucket/x"), 2, "there is no bucket no-such-bucket");
  ExpectEnd(pull_from(url()), 2, "nothing is published");
  const auto pull_as = [&](const std::string& key, const std::string& secret) {
    Command command = FollowerCommand({"pull"});
    command.env["AWS_ACCESS_KEY_ID"] = key;
    command.env["AWS_SECRET_ACCESS_KEY"] = secret;
    return RunCommand(command);
  };
  ExpectEnd(pull_as("AKIAUNKNOWN", "secret"), 3, "does not know the access key");
  const Result wrong = pull_as(store().access_key(), "not-the-secret");
  ExpectEnd(wrong, 3, "the secret key is not that of the access key");
  EXPECT_EQ(wrong.err.find("not-the-secret"), std::string::npos);
  std::filesystem::remove(rotv.directory() / "user" / ".aws" / "credentials");
  Command command = FollowerCommand({"pull"});
  command.env["AWS_EC2_METADATA_DISABLED"] = "true";
  ExpectEnd(RunCommand(command), 2, "there are no credentials");
  relay().SetReaction([](const SeenRequest&) { return Reaction{.kind = Kind::kCut}; });
}

class S3CredentialsTest : public S3Test {
 protected:
  // What is published, as the follower learns it with these variables alone.
  Result Ask(const std::map<std::string, std::string>& variables) {
    Command command = FollowerCommand({"doctor"});
    command.env["AWS_EC2_METADATA_DISABLED"] = "true";
    for (const auto& [name, value] : variables) command.env[name] = value;
    return RunCommand(command);
  }
  std::string Json(const std::string& more) const {
    return fmt::format(R"({{"Version": 1, "AccessKeyId": "{}", "SecretAccessKey": "{}", "Expiration": "{}"}})",
                       store().access_key(), store().secret_key(), more);
  }
};

TEST_F(S3CredentialsTest, EachPlaceOfAwsToolsServes) {
  rotv.MustSync({"publish"});
  std::filesystem::remove(rotv.directory() / "user" / ".aws" / "credentials");
  EXPECT_EQ(Ask({}).exit_status, 2);

  const auto works = [&](const std::map<std::string, std::string>& variables) {
    const Result result = Ask(variables);
    EXPECT_EQ(result.exit_status, 0) << result.err << result.out;
  };
  works({{"AWS_ACCESS_KEY_ID", store().access_key()}, {"AWS_SECRET_ACCESS_KEY", store().secret_key()}});

  WriteFile(rotv.directory() / "user" / "key.json", Json("2099-01-01T00:00:00Z"));
  WriteFile(rotv.directory() / "user" / ".aws" / "config",
            "# made by hand\n[profile team]\nregion = eu-north-1\ncredential_process = cat \"$HOME/key.json\"\n"
            "[profile broken]\ncredential_process = echo gone >&2; exit 3\n[profile sso]\nsso_session = corp\n");
  works({{"AWS_PROFILE", "team"}});
  EXPECT_THAT(Ask({{"AWS_PROFILE", "broken"}}).out, HasSubstr("ends with 3: gone"));
  EXPECT_THAT(Ask({{"AWS_PROFILE", "sso"}}).out, HasSubstr("export-credentials"));
  EXPECT_EQ(Ask({{"AWS_PROFILE", "nobody"}}).exit_status, 2);

  // What a container and a machine in AWS's cloud ask is this relay's own here.
  HttpRelay cloud(0, [&](const SeenRequest& request) -> Reaction {
    const auto answer = [](int status, std::string body) {
      return Reaction{.kind = Kind::kAnswer, .status = status, .body = std::move(body)};
    };
    if (request.target == "/container" && request.headers.at("authorization") == "its token") {
      return answer(200, Json("2099-01-01T00:00:00Z"));
    }
    if (request.method == "PUT" && request.target == "/latest/api/token") return answer(200, "a session");
    const auto session = request.headers.find("x-aws-ec2-metadata-token");
    if (session == request.headers.end() || session->second != "a session") return answer(401, "");
    if (request.target == "/latest/meta-data/iam/security-credentials/") return answer(200, "the-role");
    return answer(request.target.ends_with("/the-role") ? 200 : 404, Json("2099-01-01T00:00:00Z"));
  });
  works({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", cloud.url() + "/container"},
         {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "its token"}});
  works({{"AWS_EC2_METADATA_DISABLED", "false"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT", cloud.url()}});
  EXPECT_EQ(Ask({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.org/"}}).exit_status, 2);
}

}  // namespace
}  // namespace rotv::testing
