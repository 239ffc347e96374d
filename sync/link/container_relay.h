// How connections get to the PostgreSQL in a container on the remote host. Builds scripts, and reads what one of them
// says. Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sync/context/source_config.h"

namespace rotv::link {

// Statements for sh that set `h` to where the server is, as seen from inside the container: a socket's directory, or a
// host. That is `host` of rotv.toml; without it the container's PGHOST, as for the psql there, else the first directory
// with a socket of the source's port: the usual ones, then those that /proc/net/unix lists. For a directory there must
// be a program that can carry a connection to it (socat, perl, python3); else, and if no socket is found, 127.0.0.1.
// Connections and pg_dump both go where it says. Throws kUsage if the host could not be part of a path of /dev/tcp.
std::string FindServerScript(const SourceConfig& source);

// Connects standard input and output with that server, by a program of the container: bash for a host. Ends when
// either side ends, and leaves no process running. Throws like FindServerScript().
std::string RelayCommandLine(const SourceConfig& source);

// A socket in a container that a process on the remote host can connect to.
struct ContainerSocket {
  std::string host_path;  // Of the socket, on the host: "/proc/4711/root/tmp/.s.PGSQL.5432".
  std::string directory;  // In the container: "/tmp".
};

// A command for the remote host that looks for such a socket at the place that FindServerScript() says. It finds one
// only for a login that is root, and only if `podman exec` would be root in the container, too: the server would see
// another user than by a relay otherwise. What it prints is for ParseContainerSocket(), which gives nothing if none was
// found. Empty for a server that `host` places at TCP.
std::string FindSocketCommandLine(const SourceConfig& source);
std::optional<ContainerSocket> ParseContainerSocket(std::string_view text, int port);

}  // namespace rotv::link
