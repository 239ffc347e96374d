// Reads the lines of known_hosts files about one host. Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". libssh reads
// such files too, but knows no markers: it takes "@revoked" for a host's name. Pure.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rotv::link {

struct KnownHostLine {
  enum class Kind { kKey, kAuthority, kRevoked };
  Kind kind = Kind::kKey;
  std::string type;  // "ssh-ed25519"
  std::string key;   // Base64, copied from the line.
  std::string file;  // The file that has the line.
};

// Finds the lines of `text`, the content of `file`, whose patterns (hashed or not, with * ? and !) match `name`:
// "[host]:port", "host" for port 22, or a HostKeyAlias. Lines without a valid key are skipped, like OpenSSH does.
std::vector<KnownHostLine> LinesAbout(const std::string& name, std::string_view text, const std::string& file);

// Splits a line into words at blanks and tabs.
std::vector<std::string_view> WordsOf(std::string_view line);

}  // namespace rotv::link
