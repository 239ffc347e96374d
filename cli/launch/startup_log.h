// What a starting application tells in its log: the lines of the entrypoint, apart from everything that the server and
// the application write. Pure; the format is the entrypoint's (entrypoint/messages.sh).

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::launch {

struct StartupState {
  std::string phase;  // "cluster", "server", "import", "application"; empty before the first.
  uint64_t import_done = 0;
  uint64_t import_total = 0;
  bool database_ready = false;
  std::map<std::string, std::string> prepared;  // Clusters written for later starts, and for which server, until then.
  std::vector<std::string> warnings;            // Until then.
  std::string error;                            // Empty: none.
  std::string hint;
  std::string last_words;  // What was written last before the error, by somebody else.
};

class StartupLog {
 public:
  // A piece of the log, cut anywhere.
  void Feed(std::string_view piece);
  const StartupState& state() const { return state_; }
  // The last lines that are not the entrypoint's: what the application said before it died.
  const std::string& other_lines() const { return other_lines_; }

 private:
  void Line(std::string_view line);

  std::string rest_;
  StartupState state_;
  std::string other_lines_;
};

}  // namespace rotv::launch
