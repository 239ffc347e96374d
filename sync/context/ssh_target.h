// The `ssh` value of a source, taken apart. Pure.

#pragma once

#include <string>
#include <string_view>

namespace rotv {

struct SshTarget {
  std::string user;  // Empty: as ~/.ssh/config says, else who runs this program.
  std::string host;  // A name, an address without brackets, or a Host of ~/.ssh/config.
  int port = 0;      // 0: as ~/.ssh/config says, else 22.
};

// Understands [user@]host[:port], [user@][ipv6]:port and the same behind "ssh://". A bare IPv6 address (two colons or
// more, no brackets) is a host without a port. Throws Error(kUsage) on anything else.
SshTarget ParseSshTarget(std::string_view text);

// As one writes it: "root@db.example.org:22422", "[::1]:22". Parts that are unset are left out.
std::string ToString(const SshTarget& target);

}  // namespace rotv
