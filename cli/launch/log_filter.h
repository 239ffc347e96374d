// Tells the lines of a start's log apart: the entrypoint's begin with "rotv: ", PostgreSQL's with "postgres: " (its
// further lines with a tab), and all others are the application's. Pure.

#pragma once

#include <string>
#include <string_view>

namespace rotv::launch {

enum class LogPart { kAll, kApplication, kPostgres, kEntrypoint };

class LogFilter {
 public:
  explicit LogFilter(LogPart wanted) : wanted_(wanted) {}

  // Takes the next piece of the log, cut anywhere, and gives the complete lines in it that are wanted.
  std::string Feed(std::string_view piece);
  // Gives a last line without an end, if it is wanted.
  std::string Rest();

 private:
  bool IsWanted(std::string_view line);

  const LogPart wanted_;
  std::string rest_;
  LogPart last_ = LogPart::kApplication;
};

}  // namespace rotv::launch
