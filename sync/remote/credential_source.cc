#include "sync/remote/credential_source.h"

#include <fmt/format.h>

#include "os/clock.h"
#include "storage/error.h"
#include "sync/remote/aws_process.h"
#include "sync/remote/aws_role.h"

namespace rotv::remote {
namespace {

std::string ValueOf(const AwsProfile& profile, const std::string& name) {
  const auto found = profile.find(name);
  return found == profile.end() ? "" : found->second;
}

[[noreturn]] void ThrowNone(const AwsProfile& profile) {
  for (const char* name : {"sso_session", "sso_start_url", "role_arn", "web_identity_token_file"}) {
    if (profile.count(name) == 0) continue;
    throw Error(
        ErrorCode::kUsage,
        fmt::format("the AWS profile has its credentials by {}, which AWS's own tool resolves", name),
        "make a profile with  credential_process = aws configure export-credentials --profile NAME  and name it "
        "in AWS_PROFILE");
  }
  throw Error(ErrorCode::kUsage, "there are no credentials for the S3 store",
              "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run: aws configure (docs/remotes.md "
              "has all ways)");
}

}  // namespace

AwsCredentials CredentialSource::Get() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!known_) {
    Look();
  } else if (const std::optional<int64_t> left_s = SecondsLeft();
             left_s && *left_s < timing_.renew_before_s && Clock::now() - looked_ >= timing_.between) {
    try {
      Look();
    } catch (const Error& error) {
      // They are looked for before they are needed, so that this may fail for a while.
      if (error.code() == ErrorCode::kInterrupted || *left_s <= 0) throw;
    }
  }
  return *known_;
}

std::optional<int64_t> CredentialSource::SecondsLeft() const {
  if (!known_->expires_s) return std::nullopt;
  return *known_->expires_s - os::NowMicroseconds() / 1'000'000;
}

void CredentialSource::Look() {
  looked_ = Clock::now();  // An attempt that fails counts: not every request waits for one.
  known_ = Find();
}

bool CredentialSource::Renew(const AwsCredentials& refused) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (known_ && known_->access_key == refused.access_key && known_->session_token == refused.session_token) {
    Look();
  }
  return known_->access_key != refused.access_key || known_->session_token != refused.session_token;
}

AwsCredentials CredentialSource::Find() const {
  const auto variable = [&](const char* name) { return os::Variable(environment_, name); };
  const std::string key = variable("AWS_ACCESS_KEY_ID");
  const std::string secret = variable("AWS_SECRET_ACCESS_KEY");
  if (key.empty() != secret.empty()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} is set, but {} is not", key.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                            key.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"),
                "set both, or neither");
  }
  if (!key.empty()) {
    return {.access_key = key, .secret_key = secret, .session_token = variable("AWS_SESSION_TOKEN")};
  }
  if (const std::string id = ValueOf(profile_, "aws_access_key_id"); !id.empty()) {
    return {.access_key = id,
            .secret_key = ValueOf(profile_, "aws_secret_access_key"),
            .session_token = ValueOf(profile_, "aws_session_token")};
  }
  if (const std::string command = ValueOf(profile_, "credential_process"); !command.empty()) {
    return ProcessCredentials(command, environment_, context_);
  }
  if (std::optional<AwsCredentials> role = ContainerRole(context_, environment_)) return *std::move(role);
  if (!variable("AWS_PROFILE").empty()) ThrowNone(profile_);  // It was asked for: nothing else is.
  if (std::optional<AwsCredentials> role = MachineRole(context_, environment_)) return *std::move(role);
  ThrowNone(profile_);
}

}  // namespace rotv::remote
