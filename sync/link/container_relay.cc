#include "sync/link/container_relay.h"

#include <algorithm>

#include "fmt/format.h"
#include "os/shell_quote.h"
#include "storage/error.h"
#include "sync/link/remote_shell.h"

namespace rotv::link {
namespace {

// A bash that sshd starts reads ~/.bashrc even with -c.
constexpr const char* kBash = "bash --norc";

// The end of one direction ends the other: a server that closes must not leave its client waiting, nor a killed client
// its server. The shell gives background commands /dev/null as input unless it is redirected, hence <&0.
constexpr const char* kTcpRelay =
    "exec 3<>\"/dev/tcp/$h/{}\" || exit 1; {}cat <&3 3<&- & d=$!; cat <&0 >&3 & u=$!; exec 3>&- 0<&-; wait -n; "
    "kill $d $u 2>/dev/null; exit 0";

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

bool FitsDevTcp(const std::string& host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':' || c == '_';
  });
}

bool IsAtTcp(const SourceConfig& source) { return !source.host.empty() && !source.host.starts_with('/'); }

// The text after `name` in the line of `text` that begins with it; empty if there is none.
std::string LineAfter(std::string_view text, std::string_view name) {
  const size_t start = text.starts_with(name) ? 0 : text.find("\n" + std::string(name));
  if (start == std::string_view::npos) return "";
  text.remove_prefix(text.find(name, start) + name.size());
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

std::string FindServerScript(const SourceConfig& source) {
  if (IsAtTcp(source)) {
    if (FitsDevTcp(source.host)) return fmt::format("h={}; ", os::ShellQuote(source.host));
    throw Error(ErrorCode::kUsage, fmt::format("host = \"{}\" is neither a host nor a socket directory", source.host),
                "write a name, an address, or a directory that begins with /");
  }
  std::string script = fmt::format("f=.s.PGSQL.{}; h={}; ", source.port, os::ShellQuote(source.host));
  if (source.host.empty()) {
    script +=
        "case $PGHOST in *,*) ;; /*) [ -S \"$PGHOST/$f\" ] && h=$PGHOST ;; *) h=$PGHOST ;; esac; "
        "[ -n \"$h\" ] || for d in /var/run/postgresql /tmp; do [ -S \"$d/$f\" ] && h=$d && break; done; "
        "[ -n \"$h\" ] || [ ! -r /proc/net/unix ] || while read -r a a a a a a a s; do case $s in /*/\"$f\") "
        "[ -S \"$s\" ] && h=${s%/*} && break ;; esac; done </proc/net/unix; ";
  }
  return script +
         "case $h in /*) for p in socat perl python3 ''; do command -v \"$p\" >/dev/null 2>&1 && break; done; "
         "[ -n \"$p\" ] || h= ;; esac; [ -n \"$h\" ] || h=127.0.0.1; ";
}

// nc is not used: its variants differ in whether -U exists and in what they do at the end of input.
std::string RelayCommandLine(const SourceConfig& source) {
  const std::string begins = PrintLine(kBegins);
  std::string script;
  // A configured directory without the socket is an error: nothing else is looked for.
  if (source.host.starts_with('/')) {
    const std::string socket = fmt::format(".s.PGSQL.{}", source.port);
    const std::string missing = fmt::format("connect to {}: there is no {}", source.host, socket);
    script = fmt::format("[ -S {} ] || {{ echo {} >&2; exit 1; }}; ", os::ShellQuote(source.host + "/" + socket),
                         os::ShellQuote(missing));
  }
  script += FindServerScript(source);
  script += fmt::format(
      "case $h in /*) {}case $p in socat) exec socat -t 5 - UNIX-CONNECT:\"$h/$f\" ;; perl) exec perl -e {} \"$h/$f\" "
      ";; *) exec python3 -c {} \"$h/$f\" ;; esac ;; esac; ",
      begins, os::ShellQuote(kPerlRelay), os::ShellQuote(kPythonRelay));
  script += fmt::format(fmt::runtime(kTcpRelay), source.port, begins);
  return LineForAnyShell(InContainer(source, kBash, script));
}

// A path through /proc/PID/root leads into the container's mounts, but an absolute symbolic link in it leads back to
// the host's: where a directory really is, its mount says, which must be one of the container's. /run/postgresql is
// tried because /var/run is such a link in most images.
std::string FindSocketCommandLine(const SourceConfig& source) {
  if (IsAtTcp(source)) return "";
  const std::string format =
      R"({{.State.Pid}} {{.State.Status}} {{.Config.User}}{{range .Config.Env}}{{"\n"}}{{.}}{{end}})";
  return LineForAnyShell(
      PrintLine(kBegins) +
      fmt::format(
          "[ \"$(id -u)\" = 0 ] || exit 0; i=$({} inspect --type container --format {} {} 2>/dev/null) || exit 0; ",
          os::ShellQuote(source.runtime), os::ShellQuote(format), os::ShellQuote(source.container)) +
      fmt::format("f=.s.PGSQL.{} n= h={}; ", source.port, os::ShellQuote(source.host)) +
      "IFS='\n'; set -f; for l in $i; do if [ -z \"$n\" ]; then n=${l%% *} u=${l#* } PGHOST=; else "
      "case $l in PGHOST=*) PGHOST=${l#*=} ;; esac; fi; done; "
      "case $n in '' | 0 | *[!0-9]*) exit 0 ;; esac; "
      "case $u in 'running ' | 'running 0' | 'running root' | 'running 0:0' | 'running root:root') ;; *) exit 0 ;; "
      "esac; "
      "IFS=' \t'; read -r a b c <\"/proc/$n/uid_map\" || exit 0; [ \"$a $b\" = '0 0' ] || exit 0; r=/proc/$n/root; "
      "of_container() { m=; while read -r k v; do [ \"$k\" != mnt_id: ] || m=$v; done </proc/self/fdinfo/9; "
      "while read -r k v; do [ \"$k\" != \"$m\" ] || return 0; done <\"/proc/$n/mountinfo\"; return 1; }; "
      "take() { [ -S \"$r$1/$f\" ] && [ ! -L \"$r$1/$f\" ] && of_container 9<\"$r$1\" && "
      "printf 'path %s\\ndirectory %s\\n' \"$r$1\" \"$1\" && exit 0; }; "
      "if [ -n \"$h\" ]; then take \"$h\"; exit 0; fi; "
      "case $PGHOST in *,*) ;; /*) take \"$PGHOST\" ;; ?*) exit 0 ;; esac; "
      "for d in /var/run/postgresql /run/postgresql /tmp; do take \"$d\"; done; "
      "while read -r a a a a a a a s; do case $s in /*/\"$f\") take \"${s%/*}\" ;; esac; done <\"/proc/$n/net/unix\"");
}

std::optional<ContainerSocket> ParseContainerSocket(std::string_view text, int port) {
  const std::string path = LineAfter(text, "path ");
  const std::string directory = LineAfter(text, "directory ");
  if (!path.starts_with("/proc/") || !directory.starts_with('/')) return std::nullopt;
  return ContainerSocket{.host_path = fmt::format("{}/.s.PGSQL.{}", path, port), .directory = directory};
}

}  // namespace rotv::link
