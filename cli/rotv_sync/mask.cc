#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/config/mask_config.h"
#include "cli/output/format.h"
#include "cli/output/terminal.h"
#include "cli/rotv_sync/command.h"
#include "storage/error.h"
#include "sync/mask_check.h"
#include "sync/mask_suggest.h"

namespace rotv {
namespace {

// Returns `pattern` as a TOML key: dots and stars need quotes, and a name with quotes needs the other kind. Characters
// that a terminal cannot show are escaped like in JSON: a line feed in a name must not start a line of its own.
std::string TomlKey(const std::string& pattern) {
  if (output::OneLine(pattern) != pattern) return output::TerminalJson(output::CompactJson(output::Json(pattern)));
  return pattern.find('"') == std::string::npos ? "\"" + pattern + "\"" : "'" + pattern + "'";
}

int RunSuggest(const program::Session& session) {
  const std::vector<mask::PiiRule> suggestions = SuggestMasks(session.context);
  output::Json document{{"suggestions", output::Json::array()}};
  const bool declared = session.context.source.mask.declared;
  std::string text =
      "# Suggested from the names and samples of columns: read and correct this, then put it into rotv.toml.\n";
  text += declared ? "# These lines belong in its section [mask].\n" : "[mask]\n";
  for (const mask::PiiRule& suggestion : suggestions) {
    text += fmt::format("# {}\n", output::OneLine(suggestion.reason));
    // A column for which only a person can choose a rule is commented out.
    text += suggestion.rule.empty() ? fmt::format("# {} = …\n", TomlKey(suggestion.pattern))
                                    : fmt::format("{} = {}\n", TomlKey(suggestion.pattern), suggestion.rule);
    document["suggestions"].push_back(
        output::Json{{"column", suggestion.pattern}, {"rule", suggestion.rule}, {"reason", suggestion.reason}});
  }
  if (suggestions.empty()) {
    text = declared ? "# No column without a rule looks personal.\n" : "# No column looks personal.\n";
  }
  session.output.Result(text, document);
  return 0;
}

std::string CheckText(const MaskCheckResult& result, const std::string& source) {
  std::string text;
  for (const MaskedColumnCheck& column : result.columns) {
    text += fmt::format("{} ({}): {} sampled, {} masked as the rule says", output::OneLine(column.column), column.rule,
                        output::Counted(column.sampled, "value", "values"), output::HumanCount(column.masked));
    const uint64_t changed = column.sampled - column.masked - column.unmasked;
    if (changed > 0) text += fmt::format(", {} changed since the last pull", output::HumanCount(changed));
    if (column.unmasked > 0) text += fmt::format(", {} UNMASKED", output::HumanCount(column.unmasked));
    text += "\n";
  }
  for (const MaskLeak& leak : result.leaks) {
    text += fmt::format("{}: its values are in {} of {}\n", output::OneLine(leak.column),
                        output::Counted(leak.rows, "row", "rows"), output::OneLine(leak.found_in));
  }
  for (const mask::MaskHistory::Lost& lost : result.lost) {
    text += fmt::format("{}: was masked ({}), and is now stored UNMASKED without a \"keep\"\n",
                        output::OneLine(lost.column), lost.rule);
  }
  if (!result.carried_masks.empty()) {
    text += fmt::format("Still masked, although no rule in the config covers them: {}\n",
                        output::OneLine(fmt::format("{}", fmt::join(result.carried_masks, ", "))));
  }
  const bool past = std::any_of(result.leaks.begin(), result.leaks.end(),
                                [](const MaskLeak& leak) { return leak.found_in.ends_with(" in earlier states"); });
  if (past) text += "To drop the earlier states: rotv-sync baseline --force (delete their snapshots first).\n";
  std::string seeds;
  if (!result.seeds.empty()) seeds = fmt::format(", and {}", output::Counted(result.seeds.size(), "seed", "seeds"));
  return text + fmt::format("Searched {} and {} of {} at {}{} in {}: {}.\n",
                            output::Counted(result.rows, "row", "rows"),
                            output::Counted(result.versions, "earlier version", "earlier versions"), source,
                            result.lsn.ToString(), seeds, output::HumanDuration(result.seconds),
                            result.clean() ? "no unmasked value was found" : "unmasked values were found");
}

int RunCheck(const program::Session& session) {
  const MaskCheckResult result = CheckMasks(session.context);
  output::Json document{{"clean", result.clean()}, {"lsn", result.lsn.ToString()}, {"rows", result.rows}};
  document["columns"] = output::Json::array();
  for (const MaskedColumnCheck& column : result.columns) {
    document["columns"].push_back(output::Json{{"column", column.column},
                                               {"rule", column.rule},
                                               {"sampled", column.sampled},
                                               {"masked", column.masked},
                                               {"unmasked", column.unmasked}});
  }
  document["leaks"] = output::Json::array();
  for (const MaskLeak& leak : result.leaks) {
    document["leaks"].push_back(
        output::Json{{"column", leak.column}, {"found_in", leak.found_in}, {"rows", leak.rows}});
  }
  document["lost"] = output::Json::array();
  for (const mask::MaskHistory::Lost& lost : result.lost) {
    document["lost"].push_back(output::Json{{"column", lost.column}, {"rule", lost.rule}});
  }
  document["carried_masks"] = result.carried_masks;
  document["versions"] = result.versions;
  document["seeds"] = result.seeds;
  document["seconds"] = result.seconds;
  session.output.Result(CheckText(result, session.context.source.name), document);
  return result.clean() ? 0 : static_cast<int>(ErrorCode::kFindings);
}

}  // namespace

program::Command DeclareMask(CLI::App& app) {
  using Run = int (*)(const program::Session& session);
  auto chosen = std::make_shared<Run>(nullptr);
  app.description("Find personal data, and prove that it is masked");
  app.require_subcommand(1);
  app.footer(
      "The rules are in [mask] of rotv.toml; see docs/masking.md. Neither command prints a value.\n\n"
      "Rules:\n" +
      config::MaskRuleList());
  CLI::App* suggest = app.add_subcommand(
      "suggest", "Look for personal data in the names and samples of columns; print rules to review");
  suggest->footer("Examples:\n  rotv-sync mask suggest >>rotv.toml  # then read and correct it");
  suggest->callback([chosen] { *chosen = RunSuggest; });
  CLI::App* check =
      app.add_subcommand("check", "Search the stored rows, their history and the seeds for values that a rule masks");
  check->footer("Examples:\n  rotv-sync mask check");
  check->callback([chosen] { *chosen = RunCheck; });
  for (CLI::App* command : {suggest, check}) command->fallthrough();
  return {[chosen](const program::Invocation& call) {
            return program::OnSource({.run = [&](const program::Session& session) { return (*chosen)(session); },
                                      .only_reads = [] { return true; }})
                .run(call);
          },
          nullptr};
}

}  // namespace rotv
