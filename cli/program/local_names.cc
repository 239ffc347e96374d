#include "cli/program/local_names.h"

#include <algorithm>
#include <cstdint>
#include <exception>

#include "cli/config/config.h"
#include "cli/config/home.h"
#include "storage/interrupt.h"
#include "storage/source_records.h"
#include "sync/context/context.h"
#include "sync/stored_names.h"

namespace rotv::program {
namespace {

class Silent : public Progress {
 public:
  void Begin(std::string_view, Unit, uint64_t) override {}
  void Update(uint64_t) override {}
  void Detail(std::string_view) override {}
  void End() override {}
  void Warn(std::string_view) override {}
  void Say(std::string_view) override {}
  void Note(std::string_view) override {}
};

std::string Value(const GivenOptions& given, const std::string& option) {
  const auto found = given.find(option);
  return found == given.end() ? "" : found->second;
}

std::vector<std::string> SourceNames(const config::Config& config) {
  std::vector<std::string> names = config.ConfiguredSources();
  const std::vector<std::string> imported = ImportedSources(config.request().home);
  names.insert(names.end(), imported.begin(), imported.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::vector<std::string> PointNames(const Context& context) {
  std::vector<std::string> names = SnapshotNames(context);
  if (HasBaseline(context.home, context.source.name)) names.insert(names.begin(), {"head", "baseline"});
  return names;
}

std::vector<std::string> Find(const std::string& kind, const GivenOptions& given, const os::Environment& environment) {
  const std::filesystem::path home = config::ResolveHome(Value(given, "--home"), environment);
  const std::string file = Value(given, "--config");
  const config::Config config({.config = file.empty() ? file : config::ExpandTilde(file, environment).native(),
                               .source = Value(given, "--source"),
                               .home = home,
                               .environment = environment});
  if (kind == "SOURCE") return SourceNames(config);
  if (kind == "REMOTE") {
    std::vector<std::string> names;
    for (const RemoteConfig& remote : config.Remotes()) names.push_back(remote.name);
    return names;
  }
  const SourceConfig source = config.Source();
  Silent progress;
  const Interrupt interrupt;
  const Context context{source, home, progress, interrupt};
  if (kind == "SNAPSHOT") return SnapshotNames(context);
  if (kind == "POINT") return PointNames(context);
  return TableNames(context);
}

}  // namespace

std::vector<std::string> LocalNames(const std::string& kind, const GivenOptions& given,
                                    const os::Environment& environment) noexcept {
  try {
    for (const char* known : {"SOURCE", "REMOTE", "SNAPSHOT", "POINT", "TABLE"}) {
      if (kind == known) return Find(kind, given, environment);
    }
  } catch (const std::exception&) {
    // Nobody asked for an explanation.
  }
  return {};
}

}  // namespace rotv::program
