#include "sync/context/open_workspace.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

namespace rotv {
namespace {

constexpr std::string_view kScheduled = "scheduled ";  // Precedes the command's name in the lock file.

bool IsScheduled(const SourceInUse& in_use) { return in_use.holder().find(kScheduled) != std::string::npos; }

}  // namespace

Workspace OpenWorkspace(const Context& context, const std::string& command) {
  return OpenWorkspace(context, command, context.source.name);
}

Workspace OpenWorkspace(const Context& context, const std::string& command, const std::string& source_name) {
  const std::string name = context.scheduled ? std::string(kScheduled) + command : command;
  bool told = false;
  while (true) {
    try {
      return Workspace(context.home, source_name, name);
    } catch (const SourceInUse& in_use) {
      if (!context.scheduled && !IsScheduled(in_use)) throw;
      if (!told) context.progress.Warn(fmt::format("waiting for the other run to end: {}", in_use.what()));
      told = true;
    }
    context.interrupt.Check();
    std::this_thread::sleep_for(std::chrono::milliseconds(Interrupt::kPollMs));
  }
}

}  // namespace rotv
