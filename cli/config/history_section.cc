#include "cli/config/history_section.h"

namespace rotv::config {

HistoryConfig ReadHistorySection(const toml::table& table, const ConfigValues& values) {
  HistoryConfig history;
  for (const auto& [key, node] : table) {
    if (key.str() == "keep_days") {
      history.keep_days = values.Days(key, node);
    } else if (key.str() == "limit") {
      history.limit_bytes = values.Text(key, node) == "none" ? 0 : values.Bytes(key, node);
    } else {
      values.FailOnUnknown(key, "[history]", {"keep_days", "limit"});
    }
  }
  return history;
}

}  // namespace rotv::config
