// What runs once a pull or a publication is done, or has failed. Plain data.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rotv::config {

// Each hook is the words of a command; empty: there is none.
struct HookConfig {
  std::vector<std::string> after_pull;
  std::vector<std::string> after_publish;
  std::vector<std::string> on_failure;
  std::string ping;        // A URL that is asked for after each run; empty: none.
  int time_limit_s = 300;  // Of each hook.

  std::filesystem::path file;  // Where all this stands; absolute.

  bool empty() const { return after_pull.empty() && after_publish.empty() && on_failure.empty() && ping.empty(); }
};

}  // namespace rotv::config
