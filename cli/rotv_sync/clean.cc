#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "cli/config/home.h"
#include "cli/launch/home_content.h"
#include "cli/output/format.h"
#include "cli/rotv_sync/command.h"

namespace rotv {
namespace {

struct Total {
  uint64_t bytes = 0;
  uint64_t items = 0;
  uint64_t free_bytes = 0;  // Of what clean can free.
  uint64_t free_items = 0;
};

std::map<std::string, Total> TotalsOf(const std::vector<launch::HomeItem>& items) {
  std::set<std::string_view> can_be_freed;
  for (const launch::HomeKind& kind : launch::HomeKinds()) {
    if (kind.can_be_freed) can_be_freed.insert(kind.name);
  }
  std::map<std::string, Total> totals;
  for (const launch::HomeItem& item : items) {
    Total& total = totals[item.kind];
    total.bytes += item.bytes;
    ++total.items;
    if (can_be_freed.count(item.kind) == 0 || !item.needed.empty()) continue;
    total.free_bytes += item.bytes;
    ++total.free_items;
  }
  return totals;
}

std::string ContentText(const std::filesystem::path& home, const std::vector<launch::HomeItem>& items) {
  const std::map<std::string, Total> totals = TotalsOf(items);
  uint64_t all = 0;
  std::string lines;
  for (const launch::HomeKind& kind : launch::HomeKinds()) {
    const auto found = totals.find(std::string(kind.name));
    if (found == totals.end()) continue;
    const Total& total = found->second;
    all += total.bytes;
    lines += fmt::format("  {:<10}  {:>8}  {}", kind.name, output::HumanBytes(total.bytes), kind.meaning);
    if (total.free_items > 0) {
      lines += fmt::format("; --what {} frees {}", kind.name, output::HumanBytes(total.free_bytes));
    }
    lines += "\n";
  }
  return fmt::format("{} holds {}:\n{}", output::OneLine(home.native()), output::HumanBytes(all), lines);
}

output::Json ItemsJson(const std::vector<launch::HomeItem>& items) {
  output::Json document = output::Json::array();
  for (const launch::HomeItem& item : items) {
    document.push_back(output::Json{{"kind", item.kind},
                                    {"path", item.path.native()},
                                    {"source", item.source},
                                    {"bytes", item.bytes},
                                    {"needed", item.needed}});
  }
  return document;
}

int RunClean(const std::vector<std::string>& what, const program::Invocation& call) {
  config::OpenHome(call.home, what.empty() ? config::HomeUse::kRead : config::HomeUse::kWrite);
  if (what.empty()) {
    const std::vector<launch::HomeItem> items = launch::HomeContent(call.home);
    call.output.Result(ContentText(call.home, items),
                       output::Json{{"home", call.home.native()}, {"items", ItemsJson(items)}});
    return 0;
  }
  const std::set<std::string> kinds(what.begin(), what.end());
  const std::vector<launch::HomeItem> freed =
      launch::FreeHomeContent(call.home, kinds, call.environment, call.progress, call.interrupt);
  uint64_t bytes = 0;
  std::string text;
  for (const launch::HomeItem& item : freed) {
    bytes += item.bytes;
    text += fmt::format("Removed {} ({}).\n", output::OneLine(item.path.native()), output::HumanBytes(item.bytes));
  }
  for (const launch::HomeItem& item : launch::HomeContent(call.home)) {
    if (kinds.count(item.kind) == 0 || item.needed.empty()) continue;
    text += fmt::format("Left {}: {}.\n", output::OneLine(item.path.native()), item.needed);
  }
  call.output.Result(text + fmt::format("{} are free.\n", output::HumanBytes(bytes)),
                     output::Json{{"freed", ItemsJson(freed)}, {"bytes", bytes}});
  return 0;
}

}  // namespace

program::Command DeclareClean(CLI::App& app) {
  app.description("Show what the home directory holds, by kind and size, and free what is asked for");
  app.footer(
      "Without --what nothing is removed. What is needed stays in any case: stores, snapshots, the data of\n"
      "a persistent application, seeds that could not be written again. gc makes stores smaller.\n\n"
      "Examples:\n"
      "  rotv-sync clean\n"
      "  rotv-sync clean --what seeds --what clusters\n"
      "  rotv-sync --json clean | jq '.items[] | select(.kind == \"unknown\")'");
  auto what = std::make_shared<std::vector<std::string>>();
  std::vector<std::string> kinds;
  for (const launch::HomeKind& kind : launch::HomeKinds()) {
    if (kind.can_be_freed) kinds.emplace_back(kind.name);
  }
  app.add_option("--what", *what, "Free what there is of this kind; may be given several times")
      ->type_name("KIND")
      ->check(CLI::IsMember(kinds))
      ->allow_extra_args(false);
  return {[what](const program::Invocation& call) { return RunClean(*what, call); }, nullptr};
}

}  // namespace rotv
