#include "sync/link/remote_command.h"

#include "fmt/format.h"
#include "os/shell_quote.h"
#include "sync/link/container_relay.h"
#include "sync/link/remote_shell.h"

namespace rotv::link {
namespace {

// Variables of the login or of the container that would lead a program of PostgreSQL elsewhere than our connections, or
// ask for what these do without. PGHOST, PGPORT, PGUSER and PGDATABASE are overridden.
constexpr const char* kForget =
    "unset PGHOSTADDR PGSERVICE PGSERVICEFILE PGSYSCONFDIR PGSSLMODE PGREQUIRESSL PGSSLNEGOTIATION PGGSSENCMODE "
    "PGCHANNELBINDING PGREQUIREAUTH PGREQUIREPEER PGTARGETSESSIONATTRS PGLOADBALANCEHOSTS PGCONNECT_TIMEOUT; ";

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
  const bool inside = !source.container.empty();
  const std::string script = fmt::format(
      "{}{}{}{}exec 3<&0 </dev/null; {} 3<&- & c=$!; {{ read -r x <&3; kill $c; }} >/dev/null 2>&1 & w=$!; "
      "exec 3<&-; wait $c; s=$?; kill $w; exit $s",
      kForget, inside ? FindServerScript(source) + "PGHOST=$h; export PGHOST; " : "", PrintLine(kBegins),
      command.password.empty() ? "" : "IFS= read -r PGPASSWORD; export PGPASSWORD; ", words);
  return LineForAnyShell(inside ? InContainer(source, "sh", script) : script);
}

}  // namespace rotv::link
