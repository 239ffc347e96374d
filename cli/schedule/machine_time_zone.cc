#include "cli/schedule/machine_time_zone.h"

#include <array>
#include <cstdlib>
#include <ctime>

namespace rotv::schedule {

MachineTimeZone::MachineTimeZone() {
  if (const char* zone = std::getenv("TZ")) {
    was_set_ = true;
    before_ = zone;
  }
  unsetenv("TZ");
  tzset();
}

MachineTimeZone::~MachineTimeZone() {
  if (was_set_) setenv("TZ", before_.c_str(), 1);
  tzset();
}

std::string MachineTimeText(int64_t time_us) {
  constexpr int64_t kUsPerSecond = 1'000'000;
  const MachineTimeZone zone;
  const std::time_t time = static_cast<std::time_t>(time_us / kUsPerSecond);
  std::tm local{};
  localtime_r(&time, &local);
  if (local.tm_gmtoff == 0) return "";
  std::array<char, 64> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%H:%M %Z", &local);
  return {text.data(), size};
}

}  // namespace rotv::schedule
