#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "cli/launch/application_environment.h"
#include "cli/launch/env_example.h"
#include "cli/rotv/command.h"
#include "storage/error.h"

namespace rotv {
namespace {

int RunValidateEnv(const program::Invocation& call) {
  config::AppConfig app = call.config.App();
  launch::EnvironmentReport report =
      launch::ReadAppEnvironment(app.directory, app.env_file, call.environment, call.config.Variables());
  const std::vector<std::string> elsewhere = launch::LeadingElsewhere(report.variables, app.environment_rules);
  if (call.output.form() == output::Output::Form::kText) {
    launch::RequireUsable(report);
    launch::RequireOwnDatabase(report.variables, app.environment_rules, {.tcp = true, .name = app.database});
  }
  const bool ok = report.usable() && elsewhere.empty();
  output::Json document;
  document["ok"] = ok;
  document["files"] = report.files;
  document["examples"] = report.examples;
  document["missing"] = report.missing;
  document["placeholders"] = report.placeholders;
  document["elsewhere"] = elsewhere;
  document["optional"] = report.optional;
  std::string text;
  if (report.examples.empty()) {
    text = fmt::format("There is no .env.example in {}: nothing to check against.\n", app.directory.native());
  } else {
    text = fmt::format("{}: every variable that {} requires is set.\n",
                       report.files.empty() ? "The environment" : fmt::format("{}", fmt::join(report.files, ", ")),
                       fmt::join(report.examples, ", "));
    if (!report.optional.empty()) text += fmt::format("Optional, not set: {}.\n", fmt::join(report.optional, ", "));
  }
  call.output.Result(text, document);
  return ok ? 0 : static_cast<int>(ErrorCode::kUsage);
}

}  // namespace

program::Command DeclareValidateEnv(CLI::App& app, const RuntimeOption& /*runtime*/) {
  app.description("Check the .env files against .env.example");
  app.footer("Changes nothing, and never prints a value.\n\nExamples:\n  rotv validate-env");
  return {[](const program::Invocation& call) { return RunValidateEnv(call); }, nullptr};
}

}  // namespace rotv
