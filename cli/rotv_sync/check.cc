#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/config/config.h"
#include "cli/config/home.h"
#include "cli/launch/seed_file.h"
#include "cli/launch/warm_clusters.h"
#include "cli/report/check_report.h"
#include "cli/rotv_sync/command.h"
#include "os/clock.h"
#include "storage/error.h"
#include "storage/source_lock.h"
#include "sync/check_store.h"
#include "sync/context/context.h"

namespace rotv {
namespace {

struct CheckFlags {
  std::string read_data;
  CLI::Option* read_data_option = nullptr;
  bool repair = false;
};

int PercentOf(const CheckFlags& flags) {
  if (flags.read_data_option->count() == 0) return 0;
  std::string text = flags.read_data.empty() ? "100" : flags.read_data;
  if (text.back() == '%') text.pop_back();
  int percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (error != std::errc() || end != text.data() + text.size() || percent < 1 || percent > 100) {
    throw Error(ErrorCode::kUsage, fmt::format("--read-data={} is no share", flags.read_data),
                "give a percentage: --read-data=10%; or none, to read all");
  }
  return percent;
}

// A repair needs the source itself; everything else needs no more than its name.
SourceConfig SourceNamed(const program::Invocation& call, const std::string& name, bool repair) {
  SourceConfig named;
  named.name = name;
  if (!repair) return named;
  for (SourceConfig& source : call.config.Sources()) {
    if (source.name == name) return std::move(source);
  }
  throw Error(ErrorCode::kUsage, fmt::format("the config has no source {}, so it cannot be repaired", name),
              "name another one with --source, or add it to rotv.toml");
}

int RunStoreCheck(const CheckFlags& flags, const program::Invocation& call) {
  const auto start = std::chrono::steady_clock::now();
  const CheckRequest request{.read_percent = PercentOf(flags), .repair = flags.repair};
  config::OpenHome(call.home, flags.repair ? config::HomeUse::kWrite : config::HomeUse::kRead);
  const bool is_named = !call.options.source.empty();
  const std::vector<std::string> names = is_named ? std::vector{call.options.source} : StoredSources(call.home);
  report::CheckView view;
  for (const std::string& name : names) {
    const SourceConfig source = SourceNamed(call, name, flags.repair);
    try {
      view.sources.push_back(CheckStored({source, call.home, call.progress, call.interrupt}, request));
    } catch (const SourceInUse& in_use) {
      if (is_named) throw;
      view.in_use.emplace_back(in_use.what());
    }
  }
  if (request.read_percent > 0) {
    for (const launch::DamagedFile& file : launch::FindDamagedSeeds(call.home, call.interrupt)) {
      view.derived.push_back({file.path, file.problem});
    }
    for (const launch::DamagedFile& file : launch::WarmClusters(call.home).FindDamaged(call.interrupt)) {
      view.derived.push_back({file.path, file.problem});
    }
  }
  view.seconds = os::SecondsSince(start);
  call.output.Result(report::CheckText(view), report::CheckJson(view));
  if (view.damages() > 0) return static_cast<int>(ErrorCode::kCorrupt);
  return view.in_use.empty() ? 0 : static_cast<int>(ErrorCode::kInUse);
}

}  // namespace

program::Command DeclareCheck(CLI::App& app) {
  app.description("Find damage in what is stored here, and repair it from the source");
  app.footer(
      "Without options, reads everything but the rows: seconds. Needs neither a connection nor, without\n"
      "--repair, a config; checks all sources unless --source names one. Exits with 7 if there is damage.\n"
      "--repair makes a new store of what is sound and copies the tables that lack rows. Nothing is\n"
      "deleted: the damaged store stays beside it. docs/check.md says what is checked.\n\n"
      "Examples:\n"
      "  rotv-sync check\n"
      "  rotv-sync check --read-data        # every byte\n"
      "  rotv-sync check --read-data=10%    # a tenth of the files, each time others\n"
      "  rotv-sync --source production check --read-data --repair");
  auto flags = std::make_shared<CheckFlags>();
  flags->read_data_option =
      app.add_option("--read-data", flags->read_data, "Read the rows too; with a share, only of so many files")
          ->type_name("[=N%]")
          ->expected(0, 1);
  app.add_flag("--repair", flags->repair, "Copy what is damaged from the source");
  return {[flags](const program::Invocation& call) { return RunStoreCheck(*flags, call); }, nullptr};
}

}  // namespace rotv
