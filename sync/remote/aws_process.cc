#include "sync/remote/aws_process.h"

#include <fmt/format.h>

#include "os/local_command.h"
#include "os/run_program.h"
#include "storage/error.h"

namespace rotv::remote {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostBytes = 64 << 10;
constexpr const char* kSubject = "the credential_process of the AWS profile";

// What the program is told: where AWS's tools find their settings, but not keys, which would be used in its place.
os::Environment VariablesForProcess(const os::Environment& environment) {
  os::Environment variables;
  for (const auto& [name, value] : environment) {
    const bool is_key = name == "AWS_ACCESS_KEY_ID" || name == "AWS_SECRET_ACCESS_KEY" || name == "AWS_SESSION_TOKEN";
    if (name.starts_with("AWS_") && !is_key) variables.emplace(name, value);
  }
  return variables;
}

[[noreturn]] void Refuse(const std::string& what) {
  throw Error(ErrorCode::kRefused, fmt::format("{} {}", kSubject, what),
              "run it by hand; a session may have to be begun anew: aws sso login");
}

}  // namespace

AwsCredentials ProcessCredentials(const std::string& command, const os::Environment& environment,
                                  const Context& context, std::chrono::milliseconds longest) {
  const Clock::time_point end = Clock::now() + longest;
  const auto check_time = [&] {
    // It may wait for somebody who has to log in, and all that is asked of the store waits for it.
    if (Clock::now() > end) Refuse(fmt::format("has not ended after {} s", longest.count() / 1000));
  };
  std::string printed;
  const auto take = [&](std::string_view text) {
    check_time();
    if (printed.size() + text.size() > kMostBytes) Refuse("prints more than credentials");
    printed += text;
  };
  // AWS's tools split the command at spaces, with a shell's quotes.
  const os::CommandResult result = os::RunLocalCommand({.argv = {"sh", "-c", command},
                                                        .env = VariablesForProcess(environment),
                                                        .password = {},
                                                        .while_quiet = check_time},
                                                       take, context.interrupt);
  if (result.exit_status != 0) {
    const std::string line = os::LastLine(result.stderr_text);
    Refuse(fmt::format("ends with {}{}{}", result.exit_status, line.empty() ? "" : ": ", line));
  }
  return ParseCredentials(printed, kSubject);
}

}  // namespace rotv::remote
