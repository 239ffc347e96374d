#include "cli/program/hooks.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "cli/output/format.h"
#include "cli/program/program_lines.h"
#include "os/run_program.h"
#include "storage/error.h"
#include "sync/ping.h"

namespace rotv::program {
namespace {

constexpr const char* kWithinHook = "ROTV_HOOK";  // Set for hooks alone.
constexpr std::string_view kSourcePlace = "{source}";

// What a program needs to find its files, and to speak to the user. Unlike the list for programs that we need
// ourselves (os::HelperEnvironment), it has no family of names: a token of somebody's could be among them.
constexpr std::array<const char*, 26> kPassedOn = {"PATH",
                                                   "HOME",
                                                   "USER",
                                                   "LOGNAME",
                                                   "SHELL",
                                                   "LANG",
                                                   "LC_ALL",
                                                   "LC_MESSAGES",
                                                   "LC_CTYPE",
                                                   "TZ",
                                                   "TMPDIR",
                                                   "XDG_RUNTIME_DIR",
                                                   "DBUS_SESSION_BUS_ADDRESS",
                                                   "SSL_CERT_FILE",
                                                   "SSL_CERT_DIR",
                                                   "XDG_CONFIG_HOME",
                                                   "XDG_STATE_HOME",
                                                   "TERM",
                                                   "SSH_AUTH_SOCK",
                                                   "KRB5CCNAME",
                                                   "PGPASSFILE",
                                                   "PGSERVICEFILE",
                                                   "PGSYSCONFDIR",
                                                   "PGSSLROOTCERT",
                                                   "PGSSLCERT",
                                                   "PGSSLKEY"};
// A proxy's URL may have a login in it.
constexpr std::array<const char*, 6> kProxies = {"http_proxy", "https_proxy", "no_proxy",
                                                 "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"};

config::HookConfig HooksOf(const Invocation& call) {
  if (!os::Variable(call.environment, kWithinHook).empty()) return {};
  return call.config.Hooks();
}

}  // namespace

Hooks::Hooks(const Invocation& call, std::string source)
    : call_(call), source_(std::move(source)), config_(HooksOf(call)) {}

int Hooks::Around(const std::function<int()>& run) {
  const int status = TellFailure(run);
  Done();
  return status;
}

int Hooks::TellFailure(const std::function<int()>& run) {
  try {
    return run();
  } catch (const std::exception&) {
    const Error error = ErrorOf(std::current_exception(), "rotv-sync");
    // An interrupt also reaches the programs that we run, whose end may be noticed first.
    if (error.code() != ErrorCode::kInterrupted && !call_.interrupt.requested()) Failed(error);
    throw;
  }
}

void Hooks::AfterPull(const output::Json& document) { Run("after_pull", config_.after_pull, document); }

void Hooks::AfterPublish(const output::Json& document) { Run("after_publish", config_.after_publish, document); }

void Hooks::PartFailed(const Error& error) {
  all_is_well_ = false;
  Run("on_failure", config_.on_failure, call_.output.ErrorDocument(error));
}

void Hooks::Failed(const Error& error) {
  PartFailed(error);
  if (!leaves_ping_) Ping(false);
}

void Hooks::Done() {
  if (!leaves_ping_) Ping(std::exchange(all_is_well_, true));
}

bool Hooks::PingsEachSource() const { return config_.ping.find(kSourcePlace) != std::string::npos; }

os::Environment Hooks::EnvironmentOf(const char* hook) const {
  os::Environment environment;
  for (const char* name : kPassedOn) {
    if (const std::string value = os::Variable(call_.environment, name); !value.empty()) environment[name] = value;
  }
  for (const char* name : kProxies) {
    const std::string value = os::Variable(call_.environment, name);
    if (!value.empty() && value.find('@') == std::string::npos) environment[name] = value;
  }
  environment[kWithinHook] = hook;
  environment["ROTV_SOURCE"] = source_;
  environment["ROTV_HOME"] = call_.home;
  environment["ROTV_CONFIG"] = config_.file;
  return environment;
}

void Hooks::Run(const char* hook, const std::vector<std::string>& words, const output::Json& document) {
  if (words.empty()) return;
  const std::string input = output::JsonText(document);
  ProgramLines lines(call_.progress);
  std::string problem;
  try {
    const os::LimitedEnd end =
        os::RunProgramLimited({.words = words,
                               .environment = EnvironmentOf(hook),
                               .standard_input = input,
                               .time_limit = std::chrono::seconds(config_.time_limit_s)},
                              call_.interrupt, [&](std::string_view piece) { lines.Feed(piece); });
    lines.End();
    if (end.exit_status == 0) return;
    problem = end.timed_out ? fmt::format("was ended after {}: \"time_limit\" in [hooks] says how long it may take",
                                          output::HumanDuration(config_.time_limit_s))
                            : fmt::format("ended with {}", end.exit_status);
    if (!lines.last().empty()) problem += fmt::format(" ({})", lines.last());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    problem = fmt::format("was not run: {}", error.what());
  }
  all_is_well_ = false;
  call_.progress.Warn(fmt::format("the hook {} of {} {}", hook, source_, problem));
}

void Hooks::Ping(bool is_well) {
  if (config_.ping.empty()) return;
  std::string url = config_.ping;
  for (size_t at = 0; (at = url.find(kSourcePlace, at)) != std::string::npos; at += source_.size()) {
    url.replace(at, kSourcePlace.size(), source_);
  }
  const SourceConfig nothing;
  try {
    rotv::Ping({nothing, call_.home, call_.progress, call_.interrupt}, is_well ? url : FailureUrl(url));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    call_.progress.Warn(fmt::format("the ping of {} did not arrive: {}", source_, error.what()));
  }
}

}  // namespace rotv::program
