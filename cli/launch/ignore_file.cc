#include "cli/launch/ignore_file.h"

#include <algorithm>

#include "storage/trimmed.h"

namespace rotv::launch {

// Matching is backtracking without recursion. A pattern has two kinds of wildcard, "*" (not over a slash) and "**" (any
// number of directories), and for each kind only the latest wildcard is remembered: where its pattern continues, and
// how much text it has taken so far. When the text does not match, the latest "*" takes one more character; when it
// would have to take a slash, the latest "**" takes one more directory, and the "*" after it are forgotten. Earlier
// wildcards need no second try: whatever they would skip, the latest one can skip too. Each byte of the path is
// therefore compared at most once per byte of the pattern and per directory, where a recursive match, which tries every
// wildcard at every place, can take exponential time.

namespace {

// Compares one character with the first element of `glob`, a class or a character, and removes that from `glob`.
bool TakeOne(std::string_view& glob, char c) {
  if (glob[0] != '[') {
    if (glob[0] == '\\' && glob.size() > 1) glob.remove_prefix(1);
    char wanted = glob[0];
    glob.remove_prefix(1);
    return wanted == c;
  }
  size_t at = 1;
  const bool negated = at < glob.size() && glob[at] == '^';
  if (negated) ++at;
  bool found = false;
  auto next = [&] {
    if (glob[at] == '\\' && at + 1 < glob.size()) ++at;
    return static_cast<unsigned char>(glob[at++]);
  };
  for (bool first = true; at < glob.size() && (first || glob[at] != ']'); first = false) {
    unsigned char low = next();
    unsigned char high = low;
    if (at + 1 < glob.size() && glob[at] == '-' && glob[at + 1] != ']') {
      ++at;
      high = next();
    }
    found = found || (low <= static_cast<unsigned char>(c) && static_cast<unsigned char>(c) <= high);
  }
  glob.remove_prefix(std::min(at + 1, glob.size()));
  return found != negated && c != '/';
}

// Decides whether `glob` matches all of `text`.
class Glob {
 public:
  static bool Matches(std::string_view glob, std::string_view text) {
    Back any;
    Back within;
    while (true) {
      if (glob.starts_with("**")) {
        glob.remove_prefix(2);
        if (glob.starts_with('/')) glob.remove_prefix(1);
        if (glob.empty()) return true;
        any = {glob, text, true};
        within = {};
        continue;
      }
      if (glob.starts_with('*')) {
        glob.remove_prefix(1);
        within = {glob, text, true};
        continue;
      }
      if (glob.empty() && text.empty()) return true;
      if (!glob.empty() && !text.empty() && Step(glob, text)) continue;
      if (within.Retry(glob, text, false)) continue;
      within = {};
      if (!any.Retry(glob, text, true)) return false;
    }
  }

 private:
  // The place to continue from if the rest does not match: "*" takes one more character, "**" one more directory.
  struct Back {
    std::string_view glob;
    std::string_view text;
    bool set = false;

    bool Retry(std::string_view& to_glob, std::string_view& to_text, bool whole_directories) {
      if (!set) return false;
      size_t more = whole_directories ? text.find('/') : 0;
      if (more >= text.size() || (!whole_directories && text[0] == '/')) return false;
      text.remove_prefix(more + 1);
      to_glob = glob;
      to_text = text;
      return true;
    }
  };

  static bool Step(std::string_view& glob, std::string_view& text) {
    std::string_view rest = glob;
    if (glob[0] == '?') {
      if (text[0] == '/') return false;
      rest.remove_prefix(1);
    } else if (!TakeOne(rest, text[0])) {
      return false;
    }
    glob = rest;
    text.remove_prefix(1);
    return true;
  }
};

}  // namespace

IgnoreFile::IgnoreFile(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('#')) continue;
    line = Trimmed(line);
    if (line.empty()) continue;
    Pattern pattern;
    pattern.exception = line.starts_with('!');
    if (pattern.exception) line = Trimmed(line.substr(1));
    std::string normal = std::filesystem::path(line).lexically_normal().native();
    while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
    while (normal.starts_with('/')) normal.erase(0, 1);
    // Paths outside are not part of a build, and the top itself is always included.
    if (normal.empty() || normal == "." || normal.starts_with("..")) continue;
    pattern.glob = normal;
    patterns_.push_back(std::move(pattern));
  }
}

bool IgnoreFile::LeavesOut(const std::filesystem::path& path) const {
  bool left_out = false;
  for (const Pattern& pattern : patterns_) {
    if (pattern.exception != left_out) continue;  // It would change nothing.
    // A pattern that matches a directory covers everything in it.
    std::filesystem::path above;
    for (const std::filesystem::path& part : path) {
      above /= part;
      if (!Glob::Matches(pattern.glob, above.native())) continue;
      left_out = !pattern.exception;
      break;
    }
  }
  return left_out;
}

bool IgnoreFile::HasExceptions() const {
  return std::any_of(patterns_.begin(), patterns_.end(), [](const Pattern& pattern) { return pattern.exception; });
}

}  // namespace rotv::launch
