#include "sync/remote/credential_source.h"

#include <fmt/format.h>

#include "os/clock.h"
#include "os/run_program.h"
#include "storage/error.h"
#include "sync/remote/aws_role.h"

namespace rotv::remote {
namespace {

constexpr int64_t kRenewBefore_s = 5 * 60;

std::string ValueOf(const AwsProfile& profile, const std::string& name) {
  const auto found = profile.find(name);
  return found == profile.end() ? "" : found->second;
}

// What the program is told: where AWS's tools find their settings, but not keys, which would be used in its place.
os::Environment VariablesForProcess(const os::Environment& environment) {
  os::Environment variables;
  for (const auto& [name, value] : environment) {
    const bool is_key = name == "AWS_ACCESS_KEY_ID" || name == "AWS_SECRET_ACCESS_KEY" || name == "AWS_SESSION_TOKEN";
    if (name.starts_with("AWS_") && !is_key) variables.emplace(name, value);
  }
  return variables;
}

// AWS's tools split the command at spaces, with a shell's quotes.
AwsCredentials FromProcess(const std::string& command, const os::Environment& environment, const Context& context) {
  const os::ProgramResult result =
      os::RunProgramQuietly({"sh", "-c", command}, context.interrupt, VariablesForProcess(environment));
  if (result.exit_status != 0) {
    const std::string line = os::LastLine(result.err);
    throw Error(ErrorCode::kRefused,
                fmt::format("the credential_process of the AWS profile ends with {}{}{}", result.exit_status,
                            line.empty() ? "" : ": ", line),
                "run it by hand; a session may have to be begun anew: aws sso login");
  }
  return ParseCredentials(result.out, "the credential_process of the AWS profile");
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
  const int64_t now_s = os::NowMicroseconds() / 1'000'000;
  if (!known_ || (known_->expires_s && *known_->expires_s - kRenewBefore_s < now_s)) known_ = Find();
  return *known_;
}

bool CredentialSource::Renew(const AwsCredentials& refused) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (known_ && known_->access_key == refused.access_key && known_->session_token == refused.session_token) {
    known_ = Find();
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
    return FromProcess(command, environment_, context_);
  }
  if (std::optional<AwsCredentials> role = ContainerRole(context_, environment_)) return *std::move(role);
  if (!variable("AWS_PROFILE").empty()) ThrowNone(profile_);  // It was asked for: nothing else is.
  if (std::optional<AwsCredentials> role = MachineRole(context_, environment_)) return *std::move(role);
  ThrowNone(profile_);
}

}  // namespace rotv::remote
