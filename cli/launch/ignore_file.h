// .dockerignore and .containerignore: what a build leaves out. Pure.
//
//   # comment         in the first column
//   *.log             one name at the top; "*" and "?" stand for no slash, [a-z] and [^a-z] for one character
//   **/*.log          at any depth; "**" stands for any number of directories, none too
//   /docs/            as docs: patterns are relative to the top, and a directory goes with all that is in it
//   !docs/README.md   not left out after all; the last line that fits decides
//   \#x               "\" before a character takes its meaning away
//
// Format: Docker's manual, ".dockerignore file", and moby/patternmatcher, of which the matching is.

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

  // Whether `path`, relative to the top and normal, is left out.
  bool LeavesOut(const std::filesystem::path& path) const;
  // Whether something below a directory that is left out may stay.
  bool HasExceptions() const;

 private:
  struct Pattern {
    std::string glob;
    bool exception = false;
  };
  std::vector<Pattern> patterns_;
};

}  // namespace rotv::launch
