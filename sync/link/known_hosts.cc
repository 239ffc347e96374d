#include "sync/link/known_hosts.h"

#include <libssh/libssh.h>

#include <algorithm>

#include "storage/ascii_case.h"

namespace rotv::link {
namespace {

using LineKind = KnownHostLine::Kind;

// libssh matches patterns and hashed names only within a whole line, so it is given one with any valid key.
constexpr std::string_view kAnyKey =
    " ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

bool FitsOne(const std::string& name, const std::string& pattern) {
  ssh_knownhosts_entry* entry = nullptr;
  const bool fits =
      ssh_known_hosts_parse_line(name.c_str(), (pattern + std::string(kAnyKey)).c_str(), &entry) == SSH_OK;
  if (fits) ssh_knownhosts_entry_free(entry);
  return fits;
}

// Matches the patterns one by one: libssh does not know that "!pattern" excludes a host from the whole line.
bool MatchesPattern(const std::string& name, std::string_view patterns) {
  if (patterns.starts_with('|')) return FitsOne(name, std::string(patterns));
  bool fits = false;
  while (!patterns.empty()) {
    const size_t comma = std::min(patterns.find(','), patterns.size());
    std::string pattern = AsciiLower(patterns.substr(0, comma));
    patterns.remove_prefix(std::min(comma + 1, patterns.size()));
    const bool negated = pattern.starts_with('!');
    if (negated) pattern.erase(0, 1);
    if (pattern.empty() || !FitsOne(name, pattern)) continue;
    if (negated) return false;
    fits = true;
  }
  return fits;
}

}  // namespace

std::vector<std::string_view> WordsOf(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  std::vector<std::string_view> words;
  while (true) {
    const size_t start = line.find_first_not_of(kBlank);
    if (start == std::string_view::npos) return words;
    const size_t end = std::min(line.find_first_of(kBlank, start), line.size());
    words.push_back(line.substr(start, end - start));
    line.remove_prefix(end);
  }
}

std::vector<KnownHostLine> LinesAbout(const std::string& name, std::string_view text, const std::string& file) {
  std::vector<KnownHostLine> found;
  const std::string lower_name = AsciiLower(name);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::vector<std::string_view> words = WordsOf(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty() || words[0].starts_with('#')) continue;
    LineKind kind = LineKind::kKey;
    if (words[0].starts_with('@')) {
      if (words[0] != "@revoked" && words[0] != "@cert-authority") continue;
      kind = words[0] == "@revoked" ? LineKind::kRevoked : LineKind::kAuthority;
      words.erase(words.begin());
    }
    if (words.size() < 3 || !MatchesPattern(lower_name, words[0])) continue;
    found.push_back({kind, std::string(words[1]), std::string(words[2]), file});
  }
  return found;
}

}  // namespace rotv::link
