// One line of stderr as a JSON object, for programs that gather logs (--log-format json).

#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace rotv::output {

enum class LogFormat { kText, kJson };

// {"time", "level", "program", "message"} and the fields of `more`, with a line feed at its end. `level` is "info",
// "warning", "error" or "progress". Without a time there is no "time".
std::string LogLine(std::optional<int64_t> time_us, std::string_view level, std::string_view program,
                    std::string_view message, const nlohmann::ordered_json& more);

}  // namespace rotv::output
