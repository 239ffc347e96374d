#include "cli/report/status_metrics.h"

#include <fmt/format.h>

namespace rotv::report {
namespace {

struct Family {
  const char* name;
  const char* help;
};
// All are gauges: each says how it is now. Ages are for people who look at the file; rules use the times, which stay
// right when nobody writes the file any more.
constexpr Family kFamilies[] = {
    {"rotv_sync_status_ok", "Whether the status of the source could be read on this machine."},
    {"rotv_sync_status_timestamp_seconds", "When these metrics were read, by this machine's clock."},
    {"rotv_sync_source_reachable", "Whether the source answered; not there with --offline."},
    {"rotv_sync_source_standby", "Whether the source is a standby, which cannot be pulled."},
    {"rotv_sync_baseline_taken", "Whether there is a baseline of the source."},
    {"rotv_sync_baseline_unfinished", "Whether a baseline was interrupted, and can go on."},
    {"rotv_sync_baseline_timestamp_seconds", "The time of the baseline, by the source's clock."},
    {"rotv_sync_head_timestamp_seconds", "Up to when the store has what the source had, by the source's clock."},
    {"rotv_sync_head_age_seconds", "How old the head was when these metrics were read."},
    {"rotv_sync_store_bytes", "Size of the store on disk."},
    {"rotv_sync_tables", "Number of tables that are followed."},
    {"rotv_sync_detached", "Whether slot and publication were removed from the source."},
    {"rotv_sync_leftovers", "Number of objects on the source that are no longer needed."},
    {"rotv_sync_slot_usable", "Whether the next pull can go on from the slot; 0: it needs a new baseline."},
    {"rotv_sync_slot_wal_held_bytes", "WAL that the source keeps for the slot."},
    {"rotv_sync_slot_pending_bytes", "WAL that the source has written since the head."},
    {"rotv_sync_remote_publications_behind", "Publications of the remote that were not taken yet."},
    {"rotv_sync_remote_pending_bytes", "What the next pull takes from the remote."},
    {"rotv_sync_scheduled_run_end_timestamp_seconds", "When the last scheduled run ended."},
    {"rotv_sync_scheduled_run_exit_code", "The exit code of the last scheduled run."},
};

double Seconds(int64_t time_us) { return static_cast<double>(time_us) / 1e6; }

double Flag(bool value) { return value ? 1 : 0; }

}  // namespace

void StatusMetrics::Add(const char* name, const std::string& source, double value) {
  samples_[name].emplace_back(source, value);
}

void StatusMetrics::AddUnreadable(const std::string& source) { Add("rotv_sync_status_ok", source, 0); }

void StatusMetrics::Add(const StatusReport& report, const StatusView& view, AskSource asked) {
  const std::string& source = view.source_name;
  Add("rotv_sync_status_ok", source, 1);
  Add("rotv_sync_status_timestamp_seconds", source, Seconds(view.now_us));
  if (asked == AskSource::kYes) {
    Add("rotv_sync_source_reachable", source, Flag(report.unreachable.empty()));
    if (report.unreachable.empty()) {
      Add("rotv_sync_source_standby", source, Flag(report.standby));
      Add("rotv_sync_leftovers", source, static_cast<double>(report.leftovers.size()));
    }
  }
  Add("rotv_sync_baseline_taken", source, Flag(report.has_baseline));
  Add("rotv_sync_baseline_unfinished", source, Flag(report.unfinished.has_value()));
  Add("rotv_sync_detached", source, Flag(report.detached));
  if (report.has_baseline) {
    Add("rotv_sync_baseline_timestamp_seconds", source, Seconds(report.baseline_time_us));
    Add("rotv_sync_head_timestamp_seconds", source, Seconds(report.head_time_us));
    Add("rotv_sync_head_age_seconds", source, Seconds(view.now_us - report.head_time_us));
    Add("rotv_sync_store_bytes", source, static_cast<double>(report.store_bytes));
    Add("rotv_sync_tables", source, static_cast<double>(report.tables.size()));
  }
  if (report.slot) AddSlot(source, *report.slot);
  if (report.remote) {
    Add("rotv_sync_remote_publications_behind", source, static_cast<double>(report.remote->publications));
    Add("rotv_sync_remote_pending_bytes", source, static_cast<double>(report.remote->bytes));
  }
  if (view.last_scheduled && view.last_scheduled->ended_us != 0) {
    Add("rotv_sync_scheduled_run_end_timestamp_seconds", source, Seconds(view.last_scheduled->ended_us));
    Add("rotv_sync_scheduled_run_exit_code", source, view.last_scheduled->exit_code);
  }
}

void StatusMetrics::AddSlot(const std::string& source, const SlotStatus& slot) {
  const bool exists = slot.wal_status != "missing" && slot.wal_status != "lost";
  Add("rotv_sync_slot_usable", source, Flag(exists && slot.new_baseline.empty()));
  if (!exists) return;
  Add("rotv_sync_slot_wal_held_bytes", source, static_cast<double>(slot.wal_held_bytes));
  Add("rotv_sync_slot_pending_bytes", source, static_cast<double>(slot.pending_bytes));
}

std::string StatusMetrics::Text() const {
  std::string text;
  for (const Family& family : kFamilies) {
    const auto samples = samples_.find(family.name);
    if (samples == samples_.end()) continue;
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n", family.name, family.help);
    // A source's name has nothing that would have to be escaped.
    for (const auto& [source, value] : samples->second) {
      text += fmt::format("{}{{source=\"{}\"}} {}\n", family.name, source, value);
    }
  }
  return text;
}

}  // namespace rotv::report
