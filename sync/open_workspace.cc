#include "sync/open_workspace.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

namespace rotv {
namespace {

constexpr std::string_view kScheduled = "scheduled ";  // In front of the command's name, for those that wait.

// Who has just taken the lock has not said yet who he is.
constexpr auto kToSayWho = std::chrono::seconds(2);

bool IsScheduled(const SourceInUse& in_use) { return in_use.holder().find(kScheduled) != std::string::npos; }

}  // namespace

Workspace OpenWorkspace(const Context& context, const std::string& command) {
  return OpenWorkspace(context, command, context.source.name);
}

Workspace OpenWorkspace(const Context& context, const std::string& command, const std::string& source_name) {
  const std::string name = context.scheduled ? std::string(kScheduled) + command : command;
  bool told = false;
  auto named_at = std::chrono::steady_clock::now();
  while (true) {
    try {
      return Workspace(context.home, source_name, name);
    } catch (const SourceInUse& in_use) {
      const auto now = std::chrono::steady_clock::now();
      if (!in_use.holder().empty()) named_at = now;
      const bool unknown = in_use.holder().empty() && now - named_at < kToSayWho;
      if (!context.scheduled && !IsScheduled(in_use) && !unknown) throw;
      if (!told && !unknown) context.progress.Warn(fmt::format("waiting until it has ended: {}", in_use.what()));
      told |= !unknown;
    }
    context.interrupt.Check();
    std::this_thread::sleep_for(std::chrono::milliseconds(Interrupt::kPollMs));
  }
}

}  // namespace rotv
