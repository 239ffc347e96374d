#include "cli/program/program_lines.h"

namespace rotv::program {

void ProgramLines::Feed(std::string_view piece) {
  constexpr size_t kLongestLine = 4096;
  for (const char c : piece) {
    if (c == '\n') {
      Take();
    } else if (c != '\r') {
      line_ += c;
      if (line_.size() == kLongestLine) Take();
    }
  }
}

void ProgramLines::End() { Take(); }

void ProgramLines::Take() {
  if (!cut_.empty() && line_.starts_with(cut_)) line_.erase(0, cut_.size());
  if (!line_.empty()) progress_.Say(line_);
  // A hint is no reason.
  if (!line_.empty() && !line_.starts_with("hint: ")) last_ = line_;
  line_.clear();
}

}  // namespace rotv::program
