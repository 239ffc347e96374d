// Parses the `ssh` value of a source. Pure.

#pragma once

#include <string>
#include <string_view>

namespace rotv {

struct SshTarget {
  std::string user;  // Empty: that of ~/.ssh/config, else the user who runs this program.
  std::string host;  // A name, an address without brackets, or a Host of ~/.ssh/config.
  int port = 0;      // 0: that of ~/.ssh/config, else 22.
};

// Parses [user@]host[:port] and [user@][ipv6]:port, with or without a leading "ssh://". A bare IPv6 address (two colons
// or more, no brackets) is a host without a port. Throws Error(kUsage) on anything else.
SshTarget ParseSshTarget(std::string_view text);

// Formats a target: "root@db.example.org:22422", "[::1]:22". Parts that are unset are left out.
std::string ToString(const SshTarget& target);

}  // namespace rotv
