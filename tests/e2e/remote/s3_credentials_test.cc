// Who the program is to an S3 store, and what it needs to be allowed.

#include "tests/e2e/remote/s3_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using Kind = Reaction::Kind;

class S3CredentialsTest : public S3Test {
 protected:
  // What is published, as the follower learns it with these variables alone.
  Result Ask(const std::map<std::string, std::string>& variables) {
    Command command = FollowerCommand({"doctor"});
    command.env["AWS_EC2_METADATA_DISABLED"] = "true";
    for (const auto& [name, value] : variables) command.env[name] = value;
    return RunCommand(command);
  }
  std::string Json(const std::string& more = "") const {
    return fmt::format(
        R"({{"Version": 1, "AccessKeyId": "{}", "SecretAccessKey": "{}", "Expiration": "2099-01-01T00:00:00Z"{}}})",
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

  WriteFile(rotv.directory() / "user" / "key.json", Json());
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
      return answer(200, Json());
    }
    if (request.method == "PUT" && request.target == "/latest/api/token") return answer(200, "a session");
    const auto session = request.headers.find("x-aws-ec2-metadata-token");
    if (session == request.headers.end() || session->second != "a session") return answer(401, "");
    if (request.target == "/latest/meta-data/iam/security-credentials/") return answer(200, "the-role");
    return answer(request.target.ends_with("/the-role") ? 200 : 404, Json());
  });
  works({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", cloud.url() + "/container"},
         {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "its token"}});
  works({{"AWS_EC2_METADATA_DISABLED", "false"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT", cloud.url()}});
  EXPECT_EQ(Ask({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.org/"}}).exit_status, 2);
}

TEST_F(S3CredentialsTest, WhatHasExpiredIsAskedForOnceMore) {
  rotv.MustSync({"publish"});
  std::filesystem::remove(rotv.directory() / "user" / ".aws" / "credentials");
  relay().SetReaction([](const SeenRequest& request) {
    return request.headers.count("x-amz-security-token") > 0 ? S3Says(400, "ExpiredToken") : Reaction();
  });
  const std::filesystem::path user = rotv.directory() / "user";
  WriteFile(user / "old.json", Json(R"(, "SessionToken": "old")"));
  WriteFile(user / "new.json", Json());
  // The first answer is the old one.
  WriteFile(user / ".aws" / "config",
            "[default]\ncredential_process = cd; cat old.json 2>/dev/null && rm old.json || cat new.json\n");
  FollowerIsDump();
  WriteFile(user / "new.json", Json(R"(, "SessionToken": "old")"));
  const Result result = Follower({"pull"});
  EXPECT_EQ(result.exit_status, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("have expired"));
}

// The policies of docs/remotes.md, for another user than the bucket's owner.
class S3RightsTest : public S3CredentialsTest {
 protected:
  Command AsOther(Command command) const {
    command.env["AWS_ACCESS_KEY_ID"] = store().other_access_key();
    command.env["AWS_SECRET_ACCESS_KEY"] = store().other_secret_key();
    return command;
  }
  void Allow(const std::string& actions, const std::string& more = "") {
    store().SetPolicy(fmt::format(
        R"({{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": ["arn:aws:iam:::user/other"]}},
            "Action": [{}], "Resource": "arn:aws:s3:::{}/{}/*"}}{}]}})",
        actions, store().bucket(), prefix(), more));
  }
};

TEST_F(S3RightsTest, TheLeastRightsAreEnoughAndLessIsSaid) {
  rotv.MustSync({"publish"});
  const Command pull = AsOther(FollowerCommand({"pull"}));
  const Command publish = AsOther(rotv.SyncCommand({"publish"}));
  const auto is_refused = [](const Command& command, const std::string& what) {
    const Result result = RunCommand(command);
    EXPECT_EQ(result.exit_status, 3) << Describe(command, result);
    EXPECT_THAT(result.err, HasSubstr("may not " + what));
    EXPECT_THAT(result.err, HasSubstr("docs/remotes.md"));
  };
  is_refused(pull, "read the head");
  Allow(R"("s3:GetObject")");
  MustRun(pull);
  ExpectSeedEqualsDump(rotv.server(), FollowerSeed(), {.import = Import::kNone});

  Exec("DELETE FROM t WHERE id = 1");
  rotv.MustSync({"pull"});
  is_refused(publish, "list objects");
  const std::string list = fmt::format(
      R"(, {{"Effect": "Allow", "Principal": {{"AWS": ["arn:aws:iam:::user/other"]}}, "Action": ["s3:ListBucket"],
           "Resource": "arn:aws:s3:::{}", "Condition": {{"StringLike": {{"s3:prefix": "{}/*"}}}}}})",
      store().bucket(), prefix());
  Allow(R"("s3:GetObject")", list);
  is_refused(publish, "write objects");
  Allow(R"("s3:GetObject", "s3:PutObject", "s3:DeleteObject")", list);
  MustRun(publish);
  MustRun(pull);
  ExpectSeedEqualsDump(rotv.server(), FollowerSeed(), {.import = Import::kNone});
}

}  // namespace
}  // namespace rotv::testing
