// Asks a person at the terminal: questions go to stderr, so that stdout has results only, and answers come from stdin.

#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "os/environment.h"
#include "storage/interrupt.h"

namespace rotv::output {

class Questions {
 public:
  using Write = std::function<void(std::string_view)>;
  // Answers are lines of the descriptor `in`, which stays the caller's.
  Questions(int in, Write write, const Interrupt& interrupt)
      : in_(in), write_(std::move(write)), interrupt_(interrupt) {}

  // True if stdin and stderr are a terminal: somebody can be asked.
  static bool ArePossible(const os::Environment& environment);

  // An empty answer means `usual`, which is shown. All of them throw kInterrupted at the end of the input and on a
  // signal. Lines of more than 4 KiB are cut.
  std::string Ask(std::string_view what, const std::string& usual);
  // Asks again until there is an answer that is not empty.
  std::string AskUntilGiven(std::string_view what, const std::string& usual);
  bool Confirm(std::string_view what, bool usual);
  // Shows a numbered list and returns the index of what was chosen, by its number or by a text that it alone has.
  size_t Choose(std::string_view what, const std::vector<std::string>& options, size_t usual);

  // Writes a line that is no question.
  void Say(std::string_view line);

 private:
  std::string ReadLine();

  const int in_;
  const Write write_;
  const Interrupt& interrupt_;
};

}  // namespace rotv::output
