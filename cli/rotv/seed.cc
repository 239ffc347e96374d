#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/format.h"
#include "cli/home.h"
#include "cli/launch/seed_file.h"
#include "cli/rotv/command.h"
#include "storage/error.h"

namespace rotv {
namespace {

int RunSeed(const Invocation& call, const std::string& name) {
  if (!name.empty()) {
    // A name that is silently forgotten would be asked for later.
    throw Error(ErrorCode::kUsage, "named snapshots are not there yet", "leave the name out: rotv seed");
  }
  AppConfig app = ReadApp(RequestOf(call));
  SourceConfig source = ReadSource(RequestOf(call));
  OpenHome(call.home);
  Context context{source, call.home, call.progress, call.interrupt};
  Seed seed = PrepareSeed(context, {.snapshot = "head", .compression = app.compression, .pull = true});
  Json document;
  document["path"] = seed.path.native();
  document["source"] = seed.source;
  document["lsn"] = seed.lsn.ToString();
  document["source_time"] = IsoTime(seed.data_time_us);
  document["bytes"] = seed.sql_bytes;
  document["written"] = seed.written;
  call.output.Result(
      fmt::format("{} {}: {} as it was at {} ({}), {} of SQL.\n", seed.written ? "Wrote" : "Nothing changed in",
                  OneLine(seed.path.native()), seed.source, seed.lsn.ToString(), HumanTime(seed.data_time_us),
                  HumanBytes(seed.sql_bytes)),
      document);
  return 0;
}

}  // namespace

Command DeclareSeed(CLI::App& app, const RuntimeOption& /*runtime*/) {
  app.description("Bring the store up to the source's present, and write the seed");
  app.footer("Examples:\n  rotv seed");
  auto name = std::make_shared<std::string>();
  app.add_option("name", *name, "Keep a snapshot of this name, too (not yet)")->type_name("NAME");
  return {[name](const Invocation& call) { return RunSeed(call, *name); }, nullptr};
}

}  // namespace rotv
