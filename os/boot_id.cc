#include "os/boot_id.h"

#include <fstream>

namespace rotv::os {

std::string BootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string text;
  file >> text;
  return text;
}

}  // namespace rotv::os
