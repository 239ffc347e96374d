// Shows what another program writes, line by line.

#pragma once

#include <string>
#include <string_view>

#include "sync/context/progress.h"

namespace rotv::program {

class ProgramLines {
 public:
  // Our own programs begin each line with their name, `cut`, which is left out: all lines get one.
  explicit ProgramLines(Progress& progress, std::string_view cut = "") : progress_(progress), cut_(cut) {}

  // Any piece of the output. Passes on the lines that are whole, and what is too long for one.
  void Feed(std::string_view piece);
  // The program has ended: what is left is a line, too.
  void End();

  // The last line that was passed on, and that is no hint.
  const std::string& last() const { return last_; }

 private:
  void Take();

  Progress& progress_;
  const std::string cut_;
  std::string line_;
  std::string last_;
};

}  // namespace rotv::program
