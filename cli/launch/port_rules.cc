#include "cli/launch/port_rules.h"

#include <vector>

#include "os/run_program.h"

namespace rotv::launch {
namespace {

// One rule has the container's id, those that it leads to (in NETAVARK-DN-...) only the port. Exit status 1 of `exists`
// says that there is no such container, everything else that nobody knows. xargs takes the quotes of a comment away.
constexpr const char* kRemoveStale = R"SH(
podman=$1 port=$2
rules=$(iptables -w -t nat -S 2>/dev/null | grep -e "^-A NETAVARK-.* --dport $port ") || exit 0
ids=$(printf '%s\n' "$rules" | sed -n 's/^-A NETAVARK-HOSTPORT-DNAT .*podman id: \([0-9a-f]*\)".*/\1/p')
stale=
for id in $ids; do
  "$podman" container exists "$id"
  [ $? -eq 1 ] || exit 0
  stale=yes
done
[ -n "$stale" ] || exit 0
printf '%s\n' "$rules" | sed -n -e 's/^-A \(NETAVARK-HOSTPORT-DNAT .*\)/-D \1/p' \
  -e 's/^-A \(NETAVARK-DN-.* -d 127.0.0.1\/32 .*\)/-D \1/p' |
  while read -r rule; do printf '%s\n' "$rule" | xargs iptables -w -t nat 2>/dev/null; done
)SH";

}  // namespace

void RemoveStalePortRules(const std::string& podman, int port, const Interrupt& interrupt) {
  os::RunProgramQuietly({"sh", "-c", kRemoveStale, "sh", podman, std::to_string(port)}, interrupt);
}

}  // namespace rotv::launch
