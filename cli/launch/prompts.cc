#include "cli/launch/prompts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/config/home.h"
#include "cli/output/format.h"
#include "cli/output/terminal.h"
#include "os/process_environment.h"
#include "os/shell_quote.h"

namespace rotv::launch {
namespace {

std::string Replaced(std::string_view text, char what, std::string_view with) {
  std::string replaced;
  for (char c : text) replaced += c == what ? std::string(with) : std::string(1, c);
  return replaced;
}

// Returns `text` as a single-quoted string of psql.
std::string PsqlQuoted(std::string_view text) {
  return "'" + Replaced(Replaced(text, '\\', "\\\\"), '\'', "\\'") + "'";
}

}  // namespace

std::string DataLabel(const LaunchState& state) {
  if (!state.seed_file.empty()) return "a seed of " + output::HumanTime(state.data_time_us);
  if (state.source.empty()) return "persistent";
  const std::string& point = state.snapshot == "head" ? state.lsn : state.snapshot;
  return output::OneLine(fmt::format("{} at {} {}", state.source, point, output::HumanTime(state.data_time_us)));
}

std::vector<std::string> PsqlPromptArguments(std::string_view label) {
  const std::string shown = Replaced(label, '%', "%%");
  return {"--set", fmt::format("PROMPT1={} %/%R%x%# ", shown),  //
          "--set", fmt::format("PROMPT2={} %/%R%x%# ", shown),  //
          "--set", fmt::format("ROTV_PROMPT1={} %/%R%x%# ", shown),
          "--set", fmt::format("ROTV_PROMPT2={} %/%R%x%# ", shown)};
}

std::string PsqlrcText(const std::filesystem::path& user_file) {
  std::string text = user_file.empty() ? "" : fmt::format("\\i {}\n", PsqlQuoted(user_file.native()));
  return text + "\\set PROMPT1 :ROTV_PROMPT1\n\\set PROMPT2 :ROTV_PROMPT2\n";
}

std::filesystem::path UserPsqlrc(const os::Environment& environment, std::string_view version) {
  if (std::string named = os::Variable(environment, "PSQLRC"); !named.empty()) {
    return config::ExpandTilde(named, environment);
  }
  const std::filesystem::path home = config::UserHome(environment);
  for (const std::string& ending :
       {fmt::format("-{}", version), fmt::format("-{}", version.substr(0, version.find('.'))), std::string()}) {
    std::error_code problem;
    std::filesystem::path file = home / (".psqlrc" + ending);
    if (std::filesystem::is_regular_file(file, problem)) return file;
  }
  return {};
}

std::string BashrcText(std::string_view label, const os::Environment& database) {
  std::string text = "[[ ! -r ~/.bashrc ]] || source ~/.bashrc\n";
  text += fmt::format("unset {}\n", fmt::join(os::LibpqVariables(), " "));
  for (const auto& [name, value] : database) text += fmt::format("export {}={}\n", name, os::ShellQuote(value));
  // Bash replaces backslashes, and then `$`, `` ` `` and `!` in a prompt.
  std::string shown;
  for (char c : label) shown += std::string_view("\\$`!").find(c) == std::string_view::npos ? c : '?';
  text += fmt::format("rotv_label={}\n", os::ShellQuote(fmt::format("({}) ", shown)));
  // The label is put back before each line, because some prompts are built again each time.
  text +=
      "rotv_prompt() { [[ $PS1 == \"$rotv_label\"* ]] || PS1=$rotv_label$PS1; }\n"
      "rotv_prompt\n"
      "PROMPT_COMMAND+=(rotv_prompt)\n";
  return text;
}

}  // namespace rotv::launch
