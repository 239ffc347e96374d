// What known_hosts files say about one host. Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". libssh reads such files
// too, but knows no markers: to it "@revoked" is a host's name. Pure.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rotv::link {

struct KnownHostLine {
  enum class Kind { kKey, kAuthority, kRevoked };
  Kind kind = Kind::kKey;
  std::string type;  // "ssh-ed25519"
  std::string key;   // Base64, as it stands in the line.
  std::string file;  // Where it was found.
};

// The lines of `text`, the content of `file`, whose patterns (hashed or not, with * ? and !) fit `name`: "[host]:port",
// "host" for port 22, or a HostKeyAlias. Lines that are no key are left out, as OpenSSH does.
std::vector<KnownHostLine> LinesAbout(const std::string& name, std::string_view text, const std::string& file);

// The words of a line, separated by blanks and tabs.
std::vector<std::string_view> WordsOf(std::string_view line);

}  // namespace rotv::link
