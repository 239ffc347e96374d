// The head that was read last, kept in a file of ours together with the tag that a store has given it (ETag): so a head
// that is the same need not be sent again.

#pragma once

#include <filesystem>
#include <string>

namespace rotv::remote {

struct KnownHead {
  std::string tag;  // Empty: none is known.
  std::string bytes;
};

class HeadCache {
 public:
  // `place` tells remotes apart: another one's head is not known.
  explicit HeadCache(std::string place) : place_(std::move(place)) {}

  // Reads the file, if there is one, and keeps heads there from now on. A damaged one counts as none.
  void UseFile(const std::filesystem::path& file);

  const KnownHead& known() const { return known_; }
  // The tag to ask by whether the head still is the known one; empty if all of it has to be sent. What was damaged on
  // its way has the tag of what is whole: whoever asked by that would have the damage for ever.
  const std::string& TagToAskBy() const;
  // Known from now on, damaged or not; in the file only if it is not. Throws kDisk.
  void Set(KnownHead head);
  // Nothing is published any more.
  void Clear();

 private:
  const std::string place_;
  std::filesystem::path file_;  // Empty: none.
  KnownHead known_;
  bool is_intact_ = false;  // Of known_.
};

}  // namespace rotv::remote
