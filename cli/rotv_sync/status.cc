#include "sync/status.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/format.h"
#include "cli/rotv_sync/command.h"
#include "cli/status_report.h"

namespace rotv {
namespace {

int64_t NowMicroseconds() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

int RunStatus(const Session& session, AskSource ask) {
  StatusReport report = Status(session.context, ask);
  StatusView view{.source_name = session.context.source.name, .now_us = NowMicroseconds()};
  session.output.Result(StatusText(report, view, session.style), StatusJson(report, view));
  if (HeadIsOld(report, view)) {
    session.progress.Warn(fmt::format("the head is older than {} days: {}", kOldHeadDays,
                                      report.detached
                                          ? "take a new baseline to follow the source again"
                                          : "rotv-sync pull, or rotv-sync detach if it is no longer needed"));
  }
  return 0;
}

}  // namespace

SyncCommand DeclareStatus(CLI::App& app) {
  auto offline = std::make_shared<bool>(false);
  app.description("Show what is here, how old it is, and what it costs the source");
  app.add_flag("--offline", *offline, "Do not ask the source");
  app.footer(
      "Examples:\n"
      "  rotv-sync status\n"
      "  rotv-sync --json status --offline | jq -r .head.time");
  auto run = [offline](const Session& session) {
    return RunStatus(session, *offline ? AskSource::kNo : AskSource::kYes);
  };
  return {run, nullptr};
}

}  // namespace rotv
