// Reads .dockerignore and .containerignore, which say what a build leaves out. Pure.
//
//   # comment         in the first column
//   *.log             a name at the top; "*" and "?" match no slash, [a-z] and [^a-z] match one character
//   **/*.log          a name at any depth; "**" matches any number of directories, including none
//   /docs/            the same as docs: patterns are relative to the top, and a directory includes all that is in it
//   !docs/README.md   an exception: not left out after all; the last line that matches decides
//   \#x               a "\" takes away the special meaning of the next character
//
// Format: Docker's manual, ".dockerignore file". The matching follows moby/patternmatcher.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::launch {

class IgnoreFile {
 public:
  IgnoreFile() = default;
  explicit IgnoreFile(std::string_view text);

  // True if `path`, relative to the top and normalised, is left out.
  bool LeavesOut(const std::filesystem::path& path) const;
  // True if something below a directory that is left out may be kept.
  bool HasExceptions() const;

 private:
  struct Pattern {
    std::string glob;
    bool exception = false;
  };
  std::vector<Pattern> patterns_;
};

}  // namespace rotv::launch
