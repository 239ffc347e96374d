#include "sync/link/remote_shell.h"

#include <algorithm>

#include "fmt/format.h"
#include "os/shell_quote.h"
#include "storage/error.h"

namespace rotv::link {
namespace {

// A bash that is started by sshd's child reads ~/.bashrc even with -c, and what that prints would be taken for the
// server's words.
constexpr const char* kBash = "bash --norc";

// `shell` is words as they stand. When the link is cut while much comes out of the container, `podman exec` would die
// of its output before it passes on that its input has ended; then nobody tells what runs in there, which stays for
// good. So somebody takes its output as long as it lives.
std::string InContainer(const SourceConfig& source, const std::string& shell, const std::string& script) {
  const std::string exec = fmt::format("{} exec -i {} {} -c {}", os::ShellQuote(source.runtime),
                                       os::ShellQuote(source.container), shell, os::ShellQuote(script));
  return "exec sh -c " +
         os::ShellQuote(fmt::format(
             "exec 3>&1; s=$({{ {{ {} 3>&- 5>&-; echo $? >&5; }} | {{ cat >&3; exec cat >/dev/null; }} 5>&-; }} "
             "5>&1); exit ${{s:-1}}",
             exec));
}

// Whichever direction ends first ends the other: a server that closes must not leave its client waiting, nor a client
// that is killed its server. Background commands read /dev/null unless told otherwise, hence <&0.
std::string TcpRelayScript(const std::string& host, int port) {
  return fmt::format(
      "exec 3<>/dev/tcp/{}/{} || exit 1; cat <&3 3<&- & d=$!; cat <&0 >&3 & u=$!; exec 3>&- 0<&-; wait -n; "
      "kill $d $u 2>/dev/null; exit 0",
      host, port);
}

// A client that is gone ends both directions: what a COPY still has to say nobody wants.
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

// nc is left out: its variants differ in whether -U exists and in what they do at the end of input.
std::string SocketRelayScript(const std::string& directory, int port) {
  const std::string directories = directory.empty() ? "/var/run/postgresql /tmp" : os::ShellQuote(directory);
  const std::string missing = "connect to " + directory + ": there is no .s.PGSQL." + std::to_string(port);
  // A directory that was named and is wrong must not go unseen: pg_dump is given the same one.
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

// Standard input stays open as long as somebody wants the output: where it ends, the command does. Else a pg_dump that
// waits for a lock, and writes nothing, would hold its own locks on the source long after the link was cut. (A signal
// by SSH would not reach into a container, nor anything of root's.) The watcher is gone before the command's process
// number can be used again.
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
