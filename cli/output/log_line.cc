#include "cli/output/log_line.h"

#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/output/terminal.h"

namespace rotv::output {

std::string LogLine(std::optional<int64_t> time_us, std::string_view level, std::string_view program,
                    std::string_view message, const nlohmann::ordered_json& more) {
  using Json = nlohmann::ordered_json;
  Json line = Json::object();
  if (time_us) line["time"] = IsoTime(*time_us);
  line["level"] = level;
  line["program"] = program;
  line["message"] = OneLine(message);
  for (const auto& [name, value] : more.items()) line[name] = value;
  // What steers a terminal is written as \uXXXX: a log is read on one.
  return TerminalJson(line.dump(-1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace rotv::output
