#include "sync/link/remote_shell.h"

#include <algorithm>

#include "fmt/format.h"
#include "os/shell_quote.h"
#include "storage/error.h"

namespace rotv::link {
namespace {

// A bash that sshd starts reads ~/.bashrc even with -c, and its output would be taken for the server's.
constexpr const char* kBash = "bash --norc";

// Runs a script by a shell in the container; `shell` is not quoted. If the link drops while the container writes much,
// `podman exec` would die of SIGPIPE before it passes on the end of its input, and the program in the container would
// never learn of it and stay forever. So a `cat` reads the output of `podman exec` as long as that lives.
std::string InContainer(const SourceConfig& source, const std::string& shell, const std::string& script) {
  const std::string exec = fmt::format("{} exec -i {} {} -c {}", os::ShellQuote(source.runtime),
                                       os::ShellQuote(source.container), shell, os::ShellQuote(script));
  return "exec sh -c " +
         os::ShellQuote(fmt::format(
             "exec 3>&1; s=$({{ {{ {} 3>&- 5>&-; echo $? >&5; }} | {{ cat >&3; exec cat >/dev/null; }} 5>&-; }} "
             "5>&1); exit ${{s:-1}}",
             exec));
}

// The end of one direction ends the other: a server that closes must not leave its client waiting, nor a killed client
// its server. The shell gives background commands /dev/null as input unless it is redirected, hence <&0.
std::string TcpRelayScript(const std::string& host, int port) {
  return fmt::format(
      "exec 3<>/dev/tcp/{}/{} || exit 1; cat <&3 3<&- & d=$!; cat <&0 >&3 & u=$!; exec 3>&- 0<&-; wait -n; "
      "kill $d $u 2>/dev/null; exit 0",
      host, port);
}

// The end of the client ends both directions: no one needs the rest of a COPY.
constexpr const char* kPerlRelay = R"(
use Socket;
my $s;
socket($s, PF_UNIX, SOCK_STREAM, 0) && connect($s, pack_sockaddr_un($ARGV[0])) or die "connect to $ARGV[0]: $!\n";
sub copy {
  my ($from, $to) = @_;
  while (my $n = sysread($from, my $b, 65536)) {
    for (my $o = 0; $o < $n;) { my $w = syswrite($to, $b, $n - $o, $o); return unless $w; $o += $w }
  }
}
my $p = fork // die "fork: $!\n";
if (!$p) { close(STDOUT); copy(*STDIN, $s); shutdown($s, 2); exit 0 }
close(STDIN); copy($s, *STDOUT); kill 15, $p;
)";

constexpr const char* kPythonRelay = R"(
import os, socket, sys, threading
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
def up():
    while True:
        b = os.read(0, 65536)
        if not b: break
        s.sendall(b)
    s.shutdown(2)
threading.Thread(target=up, daemon=True).start()
while True:
    b = s.recv(65536)
    if not b: os._exit(0)
    v = memoryview(b)
    while v: v = v[os.write(1, v):]
)";

// nc is not used: its variants differ in whether -U exists and in what they do at the end of input.
std::string SocketRelayScript(const std::string& directory, int port) {
  const std::string directories = directory.empty() ? "/var/run/postgresql /tmp" : os::ShellQuote(directory);
  const std::string missing = "connect to " + directory + ": there is no .s.PGSQL." + std::to_string(port);
  // A configured directory without the socket is an error, with no fallback to TCP: pg_dump gets the same directory.
  const std::string if_missing =
      directory.empty() ? "" : fmt::format("else echo {} >&2; exit 1; ", os::ShellQuote(missing));
  return fmt::format(
      "for d in {}; do s=$d/.s.PGSQL.{}; [ -S \"$s\" ] && break; s=; done; "
      "if [ -n \"$s\" ]; then "
      "if command -v socat >/dev/null 2>&1; then exec socat -t 5 - UNIX-CONNECT:\"$s\"; fi; "
      "if command -v perl >/dev/null 2>&1; then exec perl -e {} \"$s\"; fi; "
      "if command -v python3 >/dev/null 2>&1; then exec python3 -c {} \"$s\"; fi; "
      "{}fi; {}",
      directories, port, os::ShellQuote(kPerlRelay), os::ShellQuote(kPythonRelay), if_missing,
      TcpRelayScript("127.0.0.1", port));
}

bool FitsDevTcp(const std::string& host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':' || c == '_';
  });
}

}  // namespace

// The script ends the command when its standard input ends, which stays open as long as the output is wanted. Otherwise
// a pg_dump that waits for a lock, and writes nothing, would hold its own locks on the source long after the link
// dropped. (A signal by SSH would reach neither into a container nor a process of another user.) The watcher is killed
// before the command's process id can be used again.
std::string CommandLine(const os::ProgramCall& command, const SourceConfig& source) {
  std::string words;
  if (!command.env.empty()) words += "env ";
  for (const auto& [name, value] : command.env) words += os::ShellQuote(name + "=" + value) + " ";
  words += os::ShellJoin(command.argv);
  const std::string script = fmt::format(
      "{}exec 3<&0 </dev/null; {} 3<&- & c=$!; {{ read -r x <&3; kill $c; }} >/dev/null 2>&1 & w=$!; "
      "exec 3<&-; wait $c; s=$?; kill $w; exit $s",
      command.password.empty() ? "" : "IFS= read -r PGPASSWORD; export PGPASSWORD; ", words);
  return source.container.empty() ? "exec sh -c " + os::ShellQuote(script) : InContainer(source, "sh", script);
}

std::string RelayCommandLine(const SourceConfig& source) {
  if (source.host.empty() || source.host.starts_with('/')) {
    return InContainer(source, kBash, SocketRelayScript(source.host, source.port));
  }
  if (!FitsDevTcp(source.host)) {
    throw Error(ErrorCode::kUsage, fmt::format("host = \"{}\" is neither a host nor a socket directory", source.host),
                "write a name, an address, or a directory that begins with /");
  }
  return InContainer(source, kBash, TcpRelayScript(source.host, source.port));
}

}  // namespace rotv::link
