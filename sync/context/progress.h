// How long work tells what it is doing. Implemented by the command line; every call is cheap and thread-safe.

#pragma once

#include <cstdint>
#include <string_view>

namespace rotv {

class Progress {
 public:
  virtual ~Progress() = default;

  enum class Unit { kBytes, kRows, kItems };
  // A new piece of work begins: "copying rows". `total` is 0 where it is not known.
  virtual void Begin(std::string_view what, Unit unit, uint64_t total) = 0;
  // How far it is, absolute. May exceed `total` (an estimate).
  virtual void Update(uint64_t done) = 0;
  // What it works on now, shown beside the bar; may be empty.
  virtual void Detail(std::string_view detail) = 0;
  virtual void End() = 0;

  // Lines for the person, shown even when no bar is.
  virtual void Warn(std::string_view line) = 0;
  virtual void Note(std::string_view line) = 0;  // Only with -v.
};

}  // namespace rotv
