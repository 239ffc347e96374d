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
    EXPECT_EQ(ReadFile(rotv.Seed()), ReadFile(FollowerSeed())) << number << " " << way;
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
  rotv.Configure({{"retries", "1"}});
  rotv.MustSync({"publish"});
  relay().SetReaction([](const SeenRequest&) { return S3Says(503, "SlowDown"); });
  ExpectEnd(Follower({"pull"}), 4, "503 SlowDown");
  ExpectEnd(rotv.Sync({"publish"}), 4, "503 SlowDown");
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

// The head is replaced by then: whoever publishes must not take it for a failure.
TEST_F(S3FailureTest, WhatCannotBeRemovedIsSaidAndThePublicationIsDone) {
  const std::string list =
      "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>" + prefix() +
      "/objects/" + std::string(64, 'a') +
      "</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents></ListBucketResult>";
  relay().SetReaction([&](const SeenRequest& request) -> Reaction {
    if (NameOf(request) == "LIST") return {.kind = Kind::kAnswer, .body = list};
    return request.method == "DELETE" ? S3Says(403, "AccessDenied") : Reaction();
  });
  const Result result = rotv.Sync({"publish"});
  relay().SetReaction({});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("what is new is published; objects that nobody needs were not removed"));
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

}  // namespace
}  // namespace rotv::testing
