#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/rotv_sync/command.h"
#include "sync/team_keys.h"

namespace rotv {
namespace {

int RunNew(const program::Invocation& call, const std::string& file) {
  NewTeamKey(file);
  call.output.Result(
      fmt::format("Made a key in {}. Name it on each machine, for the one that publishes and for those that follow:\n"
                  "key = \"{}\"\n"
                  "Send it by another way than the remote. Whoever has it can read what is published, and publish.\n",
                  file, file),
      output::Json{{"file", file}});
  return 0;
}

}  // namespace

program::Command DeclareKey(CLI::App& app) {
  app.description("Make the key with which what is published is encrypted");
  app.require_subcommand(1);
  CLI::App* make = app.add_subcommand("new", "Make a new key, in a file that only its owner may read");
  make->footer("Examples:\n  rotv-sync key new ~/.rotv/team.key");
  make->fallthrough();
  auto file = std::make_shared<std::string>();
  make->add_option("file", *file, "The file; it must not exist")->required()->type_name("FILE");
  return {[file](const program::Invocation& call) { return RunNew(call, *file); }, nullptr};
}

}  // namespace rotv
