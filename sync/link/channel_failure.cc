#include "sync/link/channel_failure.h"

#include <string_view>

#include "fmt/format.h"
#include "os/run_program.h"
#include "os/shell_quote.h"
#include "sync/link/remote_shell.h"

namespace rotv::link {
namespace {

bool Has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Explains a refused forwarding. sshd sends "open failed" and, for TCP, a reason; its code 1 is administratively
// prohibited, 2 connect failed (RFC 4254, 5.1).
std::string RefusedForward(const ChannelEnd& end, const std::string& label) {
  const Destination& destination = *end.refused;
  const std::string why = os::LastLine(end.failure);
  const bool prohibited = Has(why, "error (1)") || Has(why, "prohibited");
  switch (destination.kind) {
    case Destination::Kind::kTcp:
      if (prohibited) {
        return fmt::format(
            "{} forbids forwarding to {} port {}: AllowTcpForwarding (or PermitOpen) in its sshd_config, or "
            "the key's options in authorized_keys, must allow it",
            label, destination.what, destination.port);
      }
      return fmt::format(
          "as seen from {}, nothing answers at {} port {} ({}): is PostgreSQL running there, and are host "
          "and port of rotv.toml right?",
          label, destination.what, destination.port, why);
    case Destination::Kind::kSocket:
      if (prohibited) {
        return fmt::format(
            "{} forbids forwarding to the socket {}: AllowStreamLocalForwarding in its sshd_config must "
            "allow it; or set host = \"127.0.0.1\" to go by TCP",
            label, destination.what);
      }
      return fmt::format(
          "{} could not connect to the socket {} ({}): is PostgreSQL running there, is the directory right "
          "(show unix_socket_directories), and does sshd allow it (AllowStreamLocalForwarding)?",
          label, destination.what, why);
    case Destination::Kind::kCommand:
      return fmt::format("{} runs no command for this login ({}): does sshd limit it (MaxSessions, ForceCommand)?",
                         label, why);
  }
  return why;
}

// True if the script never ran: instead of it the login shell, or a forced command, did something else.
bool RunsNoCommands(const ChannelEnd& end, const SourceConfig& source) {
  if (!end.not_begun) return false;
  return source.container.empty() || !Has(*end.not_begun, kReached);
}

std::string NoCommands(const ChannelEnd& end, const std::string& label) {
  std::string said = os::LastLine(*end.not_begun);
  if (said.empty()) said = os::LastLine(end.stderr_text);
  return fmt::format(
      "{} does not run the commands of this login: asked for one, its shell or a forced command {} and "
      "ended with {}",
      label, said.empty() ? "said nothing" : fmt::format("said \"{}\"", said), end.exit_status.value_or(-1));
}

// Explains the end of a relay by what the container's runtime, or the relay in the container, wrote before it ended.
std::string FailedRelay(const ChannelEnd& end, const SourceConfig& source, const std::string& label) {
  const std::string& said = end.stderr_text;
  const std::string& runtime = source.runtime;
  const std::string& name = source.container;
  if (Has(said, "no such container") || Has(said, "No such container") || Has(said, "no container with name")) {
    return fmt::format("{} has no container {}: {} ps -a there lists those that it has", label, name, runtime);
  }
  if (Has(said, "is not running") || Has(said, "running containers") || Has(said, "container state improper")) {
    return fmt::format("the container {} is not running on {}: {} start {}", name, label, runtime,
                       os::ShellQuote(name));
  }
  if (Has(said, "permission denied while trying to connect to the Docker daemon")) {
    return fmt::format("the user of {} may not use {}: it must be in the group docker", label, runtime);
  }
  const bool not_started = end.exit_status == 127 || end.exit_status == 126;
  if (not_started && Has(said, runtime + ":") && Has(said, "not found") && !Has(said, "OCI")) {
    return fmt::format("there is no {} on {}: {}; set runtime in rotv.toml", runtime, label, os::LastLine(said));
  }
  if (not_started || Has(said, "executable file")) {
    return fmt::format("the container {} has no bash, which connections go through: {}", name, os::LastLine(said));
  }
  if (Has(said, "Connection refused") || Has(said, "connect to ") || Has(said, "E connect")) {
    return fmt::format("in the container {} nothing answers at {} port {} ({}): is PostgreSQL running there?", name,
                       source.host.empty() ? "the usual socket directories or 127.0.0.1" : source.host, source.port,
                       os::LastLine(said));
  }
  return fmt::format("`{} exec` in {} ended with {}: {}", runtime, name, end.exit_status.value_or(-1),
                     os::LastLine(said));
}

}  // namespace

std::string ChannelFailure(const ChannelEnd& end, const SourceConfig& source, const std::string& label) {
  if (end.session_lost) return end.failure;
  if (end.refused && !end.failure.empty()) return RefusedForward(end, label);
  const bool ended_badly = !end.stderr_text.empty() || end.exit_status.value_or(0) != 0;
  const bool is_relay = !source.container.empty() && end.bytes_received == 0;
  if (is_relay && RunsNoCommands(end, source)) return NoCommands(end, label);
  return is_relay && ended_badly ? FailedRelay(end, source, label) : "";
}

Error NotBegun(const ChannelEnd& end, const SourceConfig& source, const std::string& label) {
  if (RunsNoCommands(end, source)) return {ErrorCode::kRefused, NoCommands(end, label), kNoCommandsHint};
  return {ErrorCode::kRefused, FailedRelay(end, source, label), "check `container` and `runtime` in rotv.toml"};
}

}  // namespace rotv::link
