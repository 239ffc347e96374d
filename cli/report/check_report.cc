#include "cli/report/check_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/output/terminal.h"

namespace rotv::report {
namespace {

using check::Finding;
using check::Fix;

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + output::OneLine(name);
  return text;
}

std::string Quoted(const std::filesystem::path& path) { return fmt::format("'{}'", path.native()); }

// The command that fixes it; empty if there is none.
std::string CommandOf(const Finding& finding, const std::string& source) {
  switch (finding.fix) {
    case Fix::kRepair:
      return fmt::format("rotv-sync --source {} check --repair", source);
    case Fix::kPull:
      return fmt::format("rotv-sync --source {} pull", source);
    case Fix::kBaseline:
      return fmt::format("rotv-sync --source {} baseline --force", source);
    case Fix::kRestore:
      return "";
  }
  return "";
}

std::string HintOf(const Finding& finding, const std::string& source) {
  switch (finding.fix) {
    case Fix::kBaseline:
      return CommandOf(finding, source) + ", which leaves this store where it is; or put it back from a copy";
    case Fix::kRestore:
      return fmt::format("put it back from a copy, or move {} away and take a new baseline",
                         finding.file.parent_path().native());
    default:
      return CommandOf(finding, source);
  }
}

std::string FindingText(const Finding& finding, const std::string& source) {
  std::string text = fmt::format("{}: {}\n  {}", output::OneLine(finding.file.native()),
                                 output::OneLine(finding.problem), output::OneLine(finding.meaning));
  if (!finding.tables.empty()) text += fmt::format("\n  tables: {}", Listed(finding.tables));
  if (!finding.states.empty()) text += fmt::format("\n  states that cannot be had: {}", Listed(finding.states));
  return text + (finding.repaired ? "\n  repaired\n" : fmt::format("\n  hint: {}\n", HintOf(finding, source)));
}

std::string SourceText(const CheckResult& result) {
  std::string text;
  for (const Finding& finding : result.records) text += FindingText(finding, result.source);
  for (const CheckedStore& store : result.stores) {
    for (const Finding& finding : store.report.findings) text += FindingText(finding, result.source);
    for (const check::LostState& lost : store.report.lost) {
      text += fmt::format("{}: {} was damaged and lacks {} since a repair\n", result.source,
                          output::OneLine(lost.state), Listed(lost.tables));
    }
  }
  for (const Repaired& repaired : result.repaired) {
    text +=
        fmt::format("Made {} of what is sound; the damaged store is kept as {}.\n",
                    output::OneLine(repaired.store.filename().native()), output::OneLine(repaired.kept_aside.native()));
    if (repaired.log_lost) text += "The change log begins again.\n";
  }
  if (!result.copied.empty()) text += fmt::format("Copied from the source: {}.\n", Listed(result.copied));
  if (!result.not_copied.empty()) {
    text += fmt::format("The source was not asked: {}.\nhint: rotv-sync --source {} pull\n",
                        output::OneLine(result.not_copied), result.source);
  }
  for (const OrphanedStore& orphan : result.orphans) {
    text += fmt::format("{}: nothing uses it, {}\n  hint: rm -r {}\n", output::OneLine(orphan.path.native()),
                        output::HumanBytes(orphan.bytes), Quoted(orphan.path));
  }
  return text;
}

output::Json FindingJson(const Finding& finding, const std::string& source) {
  const std::string command = CommandOf(finding, source);
  return {{"file", finding.file.native()},
          {"problem", finding.problem},
          {"meaning", finding.meaning},
          {"tables", finding.tables},
          {"states", finding.states},
          {"repaired", finding.repaired},
          {"command", command.empty() ? output::Json() : output::Json(command)},
          {"hint", HintOf(finding, source)}};
}

output::Json FindingsJson(const std::vector<Finding>& findings, const std::string& source) {
  output::Json list = output::Json::array();
  for (const Finding& finding : findings) list.push_back(FindingJson(finding, source));
  return list;
}

output::Json StoreJson(const CheckedStore& store, const std::string& source) {
  const check::StoreReport& report = store.report;
  output::Json document;
  document["path"] = report.path.native();
  document["role"] = store.role == CheckedStore::Role::kCurrent ? "current" : "kept";
  document["bytes"] = report.bytes;
  document["files"] = report.files;
  document["files_read"] = report.files_read;
  document["bytes_read"] = report.bytes_read;
  document["findings"] = FindingsJson(report.findings, source);
  document["lost"] = output::Json::array();
  for (const check::LostState& lost : report.lost) {
    document["lost"].push_back(output::Json{{"state", lost.state}, {"tables", lost.tables}});
  }
  return document;
}

output::Json SourceJson(const CheckResult& result) {
  output::Json document;
  document["source"] = result.source;
  document["has_baseline"] = result.has_baseline;
  document["damages"] = result.damages();
  document["records"] = FindingsJson(result.records, result.source);
  document["stores"] = output::Json::array();
  for (const CheckedStore& store : result.stores) document["stores"].push_back(StoreJson(store, result.source));
  document["orphans"] = output::Json::array();
  for (const OrphanedStore& orphan : result.orphans) {
    document["orphans"].push_back(output::Json{{"path", orphan.path.native()}, {"bytes", orphan.bytes}});
  }
  document["repaired"] = output::Json::array();
  for (const Repaired& repaired : result.repaired) {
    document["repaired"].push_back(output::Json{{"store", repaired.store.native()},
                                                {"kept_aside", repaired.kept_aside.native()},
                                                {"log_lost", repaired.log_lost}});
  }
  document["copied"] = result.copied;
  document["head"] = result.head ? output::Json(result.head->ToString()) : output::Json();
  document["not_copied"] = result.not_copied.empty() ? output::Json() : output::Json(result.not_copied);
  document["seconds"] = result.seconds;
  return document;
}

}  // namespace

uint64_t CheckView::damages() const {
  uint64_t all = derived.size();
  for (const CheckResult& source : sources) all += source.damages();
  return all;
}

std::string CheckText(const CheckView& view) {
  std::string text;
  uint64_t stores = 0, files = 0, files_read = 0, bytes = 0, bytes_read = 0;
  for (const CheckResult& source : view.sources) {
    text += SourceText(source);
    stores += source.stores.size();
    for (const CheckedStore& store : source.stores) {
      files += store.report.files;
      bytes += store.report.bytes;
      files_read += store.report.files_read;
      bytes_read += store.report.bytes_read;
    }
  }
  for (const DamagedDerivative& file : view.derived) {
    text += fmt::format("{}: {}\n  hint: the next start makes it again: rotv start\n",
                        output::OneLine(file.path.native()), output::OneLine(file.problem));
  }
  for (const std::string& in_use : view.in_use) text += fmt::format("not checked: {}\n", output::OneLine(in_use));
  const std::string checked =
      fmt::format("{} of {} ({}, {}) in {}", output::Counted(stores, "store", "stores"),
                  output::Counted(view.sources.size(), "source", "sources"), output::Counted(files, "file", "files"),
                  output::HumanBytes(bytes), output::HumanDuration(view.seconds));
  const std::string read = files_read == 0       ? "only what describes the rows was read (--read-data reads all)"
                           : files_read == files ? "everything was read"
                                                 : fmt::format("{} of {} were read completely ({})", files_read, files,
                                                               output::HumanBytes(bytes_read));
  if (view.damages() == 0) return text + fmt::format("No damage in {}; {}.\n", checked, read);
  return text + fmt::format("{} in {}; {}.\n", output::Counted(view.damages(), "finding", "findings"), checked, read);
}

output::Json CheckJson(const CheckView& view) {
  output::Json document;
  document["sound"] = view.damages() == 0 && view.in_use.empty();
  document["damages"] = view.damages();
  document["sources"] = output::Json::array();
  for (const CheckResult& source : view.sources) document["sources"].push_back(SourceJson(source));
  document["derived"] = output::Json::array();
  for (const DamagedDerivative& file : view.derived) {
    document["derived"].push_back(output::Json{{"file", file.path.native()}, {"problem", file.problem}});
  }
  document["in_use"] = view.in_use;
  document["seconds"] = view.seconds;
  return document;
}

}  // namespace rotv::report
