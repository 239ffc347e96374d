#include "sync/status.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/program/publishing.h"
#include "cli/report/remote_report.h"
#include "cli/report/status_line.h"
#include "cli/report/status_metrics.h"
#include "cli/report/status_report.h"
#include "cli/rotv_sync/command.h"
#include "os/clock.h"
#include "storage/atomic_file.h"

namespace rotv {
namespace {

// Names a command that can work, or what has to be done before.
const char* WhatHelps(const StatusReport& report) {
  if (report.detached) return "take a new baseline to follow the source again";
  if (report.standby) return "name the primary in rotv.toml, since the source is a standby";
  if (report.slot && !report.slot->new_baseline.empty()) {
    return "rotv-sync pull --rebaseline, or rotv-sync detach if it is no longer needed";
  }
  return "rotv-sync pull, or rotv-sync detach if it is no longer needed";
}

void WarnIfOld(const StatusReport& report, const report::StatusView& view, const SourceConfig& source,
               output::ProgressBar& progress) {
  // An imported source cannot be pulled, so its age is no reason for a warning.
  if (source.imported || !report::HeadIsOld(report, view)) return;
  progress.Warn(
      fmt::format("the head of {} is older than {} days: {}", source.name, report::kOldHeadDays, WhatHelps(report)));
}

// Adds what is published from here of a source. A remote that cannot be asked is no failure.
void AddRemotes(const program::Session& session, const SourceConfig& source, const report::StatusView& view,
                std::string* text, output::Json* document) {
  // Nobody waits for a minute to learn that a store cannot be reached.
  SourceConfig impatient = source;
  impatient.retries = std::min(source.retries, 1);
  const Context context{impatient, session.context.home, session.context.progress, session.context.interrupt};
  output::Json& remotes = (*document)["remotes"] = output::Json::array();
  for (const RemoteConfig& remote : program::RemotesOf(session, source.name)) {
    try {
      const PublicationStatus status = StatusOfPublication(context, remote);
      *text += report::PublicationSummary(status, remote.name, view.now_us);
      remotes.push_back(report::PublicationJson(status, remote.name));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted) throw;
      *text += report::StatusLine("remote", fmt::format("{}: {}", remote.name, output::OneLine(error.what())));
      remotes.push_back({{"remote", remote.name}, {"error", error.what()}});
    }
  }
}

struct StatusFlags {
  bool offline = false;
  std::string prometheus;  // Where metrics are written; "-": stdout; empty: nowhere.
};

// For node_exporter, which runs as another user, and reads the file at any moment.
void WriteMetrics(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.Write(text);
  file.Permit(0644, getegid());
  file.Commit();
}

// Metrics are written whatever the sources are like, and in place of the text: cron would mail that.
void PrintStatus(const program::Session& session, const StatusFlags& flags, const report::StatusMetrics& metrics,
                 const std::string& text, const output::Json& document) {
  if (flags.prometheus.empty()) return session.output.Result(text, document);
  if (flags.prometheus == "-") {
    output::WriteAll(STDOUT_FILENO, metrics.Text());
    return;
  }
  WriteMetrics(flags.prometheus, metrics.Text());
  session.output.Result("", document);
}

// Prints the status of the named source, or of all. For all, the document describes the default source (without one,
// the first), and its "sources" has every one.
int RunStatus(const program::Session& session, const StatusFlags& flags) {
  const AskSource ask = flags.offline ? AskSource::kNo : AskSource::kYes;
  const int64_t now_us = os::NowMicroseconds();
  std::string text;
  output::Json document, all = output::Json::array();
  report::StatusMetrics metrics;
  const std::vector<std::string> names = program::NamesOf(session.sources);
  for (const SourceConfig& source : session.sources) {
    const bool is_chosen = source.name == session.context.source.name;
    if (session.source_is_named && !is_chosen) continue;
    const Context context{source, session.context.home, session.context.progress, session.context.interrupt};
    StatusReport report;
    try {
      report = Status(context, ask, names);
    } catch (const Error& error) {
      // The other sources are reported all the same.
      if (error.code() == ErrorCode::kInterrupted) throw;
      const bool must_be_read = is_chosen && (session.source_is_named || source.is_default);
      if (must_be_read && flags.prometheus.empty()) throw;
      metrics.AddUnreadable(source.name);
      text += fmt::format("{}{}: {}\n", text.empty() ? "" : "\n", source.name, output::OneLine(error.what()));
      all.push_back(output::Json{{"source", source.name}, {"error", error.what()}});
      continue;
    }
    const report::StatusView view{.source_name = source.name,
                                  .now_us = now_us,
                                  .schedule = schedule::ReadJob(context.home, source.name),
                                  .last_scheduled = schedule::ReadLastRun(context.home, source.name)};
    text += (text.empty() ? "" : "\n") + report::StatusText(report, view, session.style);
    all.push_back(report::StatusJson(report, view));
    metrics.Add(report, view, source.imported ? AskSource::kNo : ask);
    const bool publishes = report.has_baseline && source.remote.empty() && !source.imported;
    if (publishes && ask == AskSource::kYes) AddRemotes(session, source, view, &text, &all.back());
    if (is_chosen) document = all.back();
    if (flags.prometheus.empty()) WarnIfOld(report, view, source, session.progress);  // The metrics say it.
  }
  document["sources"] = all;
  PrintStatus(session, flags, metrics, text, document);
  return 0;
}

}  // namespace

program::SyncCommand DeclareStatus(CLI::App& app) {
  auto flags = std::make_shared<StatusFlags>();
  app.description("Show what is stored of each source, how old it is, and what it costs the source");
  app.add_flag("--offline", flags->offline, "Do not connect to the source");
  app.add_option("--prometheus", flags->prometheus,
                 "Write metrics in Prometheus' text format to a file (- is stdout), and no text")
      ->type_name("FILE");
  app.footer(
      "Examples:\n"
      "  rotv-sync status                   # all sources\n"
      "  rotv-sync --source staging status\n"
      "  rotv-sync status --prometheus /var/lib/prometheus/node-exporter/rotv.prom\n"
      "  rotv-sync --json status --offline | jq -r .head.time");
  return {.run = [flags](const program::Session& session) { return RunStatus(session, *flags); },
          .takes_stdout = [flags] { return flags->prometheus == "-"; },
          .all_sources = [] { return true; },
          .only_reads = [flags] { return flags->offline; }};
}

}  // namespace rotv
