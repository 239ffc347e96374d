// Where credentials are looked for, and when again.

#include "sync/remote/credential_source.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>

#include "os/clock.h"
#include "storage/error.h"
#include "sync/remote/aws_process.h"
#include "sync/remote/aws_role.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/files/thrown.h"
#include "tests/support/no_progress.h"
#include "tests/support/servers/http_relay.h"

namespace rotv::remote {
namespace {

using testing::CodeOf;
using testing::ErrorOf;
using ::testing::HasSubstr;
using testing::HttpRelay;
using testing::Reaction;
using testing::SeenRequest;

class CredentialSourceTest : public ::testing::Test {
 protected:
  // A program that gives these credentials, and counts how often it ran.
  AwsProfile Profile(int64_t left_s) const {
    const std::time_t end = os::NowMicroseconds() / 1'000'000 + left_s;
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&end));
    testing::WriteFile(directory_ / "key",
                       fmt::format(R"({{"AccessKeyId": "A", "SecretAccessKey": "S", "Expiration": "{}"}})", text));
    return {{"credential_process", fmt::format("echo >> {0}/runs; cat {0}/key", directory_.path().native())}};
  }
  size_t Runs() const { return testing::ReadFile(directory_ / "runs").size(); }

  const testing::TempDir directory_;
  const os::Environment environment_ = {{"AWS_EC2_METADATA_DISABLED", "true"}};
  SourceConfig source_;
  testing::NoProgress progress_;
  Interrupt interrupt_;
  Context context_{.source = source_, .home = {}, .progress = progress_, .interrupt = interrupt_};
};

TEST_F(CredentialSourceTest, WhatIsShortLivedIsNotLookedForWithEachRequest) {
  const AwsProfile profile = Profile(120);
  CredentialSource source(context_, environment_, profile);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(source.Get().access_key, "A");
  EXPECT_EQ(Runs(), 1u);
}

TEST_F(CredentialSourceTest, WhatIsValidServesWhileThereIsNothingNew) {
  const AwsProfile profile = Profile(120);
  CredentialSource source(context_, environment_, profile, {.between = std::chrono::seconds(0)});
  EXPECT_EQ(source.Get().access_key, "A");
  std::filesystem::remove(directory_ / "key");
  EXPECT_EQ(source.Get().access_key, "A");
  EXPECT_EQ(Runs(), 2u);
  interrupt_.Request();
  EXPECT_EQ(CodeOf([&] { source.Get(); }), ErrorCode::kInterrupted);
}

TEST_F(CredentialSourceTest, WhatHasExpiredDoesNotServe) {
  const AwsProfile profile = Profile(-1);
  CredentialSource source(context_, environment_, profile, {.between = std::chrono::seconds(0)});
  source.Get();
  std::filesystem::remove(directory_ / "key");
  EXPECT_EQ(CodeOf([&] { source.Get(); }), ErrorCode::kRefused);
}

TEST_F(CredentialSourceTest, AProgramThatHangsOrPrintsWithoutEndIsEnded) {
  const auto ask = [&](const char* command) {
    return ErrorOf([&] { ProcessCredentials(command, environment_, context_, std::chrono::milliseconds(300)); });
  };
  const auto start = std::chrono::steady_clock::now();
  const Error hangs = ask("exec sleep 60");
  EXPECT_EQ(hangs.code(), ErrorCode::kRefused);
  EXPECT_THAT(hangs.what(), HasSubstr("has not ended"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  const Error endless = ErrorOf([&] { ProcessCredentials("exec yes", environment_, context_); });
  EXPECT_EQ(endless.code(), ErrorCode::kRefused);
  EXPECT_THAT(endless.what(), HasSubstr("prints more than credentials"));
}

TEST_F(CredentialSourceTest, WhatAnswersInPlaceOfTheCloudIsNoMachinesRole) {
  std::map<std::string, Reaction> answers;
  const auto says = [](int status, std::string body) {
    return Reaction{.kind = Reaction::Kind::kAnswer, .status = status, .body = std::move(body)};
  };
  HttpRelay cloud(0, [&](const SeenRequest& request) {
    for (const auto& [end, answer] : answers) {
      if (request.target.ends_with(end)) return answer;
    }
    return says(404, "");
  });
  const os::Environment environment = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", cloud.url()}};
  const std::map<std::string, Reaction> right = {
      {"/token", says(200, "a token")},
      {"/security-credentials/", says(200, "the-role\n")},
      {"/the-role", says(200, R"({"AccessKeyId": "A", "SecretAccessKey": "S"})")}};
  answers = right;
  ASSERT_TRUE(MachineRole(context_, environment));
  const std::string page = "<html>\nlog in here</html>";
  for (const auto& [end, answer] : right) {
    for (const Reaction& other : {says(200, page), says(302, ""), says(200, std::string(2 << 20, 'x'))}) {
      answers = right;
      answers[end] = other;
      EXPECT_FALSE(MachineRole(context_, environment)) << end << other.status;
    }
  }
}

TEST_F(CredentialSourceTest, AContainersCredentialsAreAskedOfNobodyElse) {
  for (const auto& [variable, value] :
       {std::pair("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:x@evil.example.org/"),
        std::pair("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.2:80@evil.example.org/"),
        std::pair("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ":80@evil.example.org/")}) {
    const os::Environment environment = {{variable, value}};
    const Error error = ErrorOf([&] { ContainerRole(context_, environment); });
    EXPECT_EQ(error.code(), ErrorCode::kUsage) << value;
    EXPECT_THAT(error.what(), HasSubstr(variable));
  }
}

}  // namespace
}  // namespace rotv::remote
