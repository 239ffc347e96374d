// Says what a home directory holds, by kind and size, and frees what can be made again or is of no use.

#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "os/environment.h"
#include "storage/interrupt.h"
#include "sync/context/progress.h"

namespace rotv::launch {

// One kind of content. Its name is what people write.
struct HomeKind {
  std::string_view name;
  std::string_view meaning;
  bool can_be_freed = false;
};
// In the order in which they are shown.
const std::vector<HomeKind>& HomeKinds();

struct HomeItem {
  std::string kind;  // The name of a HomeKind.
  std::filesystem::path path;
  uint64_t bytes = 0;
  std::string source = {};
  std::string needed = {};  // Why it stays although its kind can be freed; empty otherwise.
};

// Lists all there is; every file counts once. Waits for nobody.
std::vector<HomeItem> HomeContent(const std::filesystem::path& home);

// Frees what HomeContent() lists of these kinds and nothing needs; returns what is gone. What another run works on
// stays, with a warning. Throws kInUse if something is being started, kDisk.
std::vector<HomeItem> FreeHomeContent(const std::filesystem::path& home, const std::set<std::string>& kinds,
                                      const os::Environment& environment, Progress& progress,
                                      const Interrupt& interrupt);

}  // namespace rotv::launch
