// Progress is how long work reports what it is doing. The command line implements it; every call is cheap and
// thread-safe.

#pragma once

#include <cstdint>
#include <string_view>

namespace rotv {

class Progress {
 public:
  virtual ~Progress() = default;

  enum class Unit { kBytes, kRows, kItems };
  // Begins a new piece of work: "copying rows". `total` is 0 if it is not known.
  virtual void Begin(std::string_view what, Unit unit, uint64_t total) = 0;
  // Sets the amount that is done, absolute. It may exceed `total`, which is an estimate.
  virtual void Update(uint64_t done) = 0;
  // Sets the present item, shown beside the bar; may be empty.
  virtual void Detail(std::string_view detail) = 0;
  virtual void End() = 0;

  // Show a line to the user, even where there is no bar.
  virtual void Warn(std::string_view line) = 0;
  virtual void Say(std::string_view line) = 0;   // Not with -q.
  virtual void Note(std::string_view line) = 0;  // Only with -v.
};

}  // namespace rotv
