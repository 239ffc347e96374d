#include "cli/report/status_report.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/report/remote_report.h"
#include "cli/report/status_line.h"

namespace rotv::report {
namespace {

constexpr double kMicrosecondsPerSecond = 1e6;

double Age(int64_t time_us, const StatusView& view) {
  return static_cast<double>(view.now_us - time_us) / kMicrosecondsPerSecond;
}

std::string Moment(Lsn lsn, int64_t time_us, const StatusView& view) {
  return fmt::format("{}, {} ({})", output::HumanAge(Age(time_us, view)), output::HumanTime(time_us), lsn.ToString());
}

// Each line of the SQL that removes what is ours.
std::string RemovalText(std::string_view sql) {
  std::string text;
  while (!sql.empty()) {
    const size_t end = std::min(sql.find('\n'), sql.size());
    text += fmt::format("  {}\n", output::OneLine(sql.substr(0, end)));
    sql.remove_prefix(std::min(end + 1, sql.size()));
  }
  return text;
}

std::string UnfinishedText(const UnfinishedStatus& unfinished, const output::TextStyle& style) {
  std::string text = StatusLine(
      "unfinished", output::Coloured(fmt::format("a baseline begun {}: {} of {} are here ({})", unfinished.begun,
                                                 output::HumanCount(unfinished.tables_complete),
                                                 output::Counted(unfinished.tables, "table", "tables"),
                                                 output::HumanBytes(unfinished.store_bytes)),
                                     output::Colour::kYellow, style));
  if (unfinished.slot) {
    text += StatusLine(
        "", fmt::format("its slot {} holds back {} of WAL on the source", output::OneLine(unfinished.slot->slot),
                        output::HumanBytes(unfinished.slot->wal_held_bytes)));
  }
  if (!unfinished.at_work.empty()) {
    return text + StatusLine("", fmt::format("{} is at work", output::OneLine(unfinished.at_work)));
  }
  return text + StatusLine("", unfinished.ways_on);
}

output::Json SlotJson(const SlotStatus& status) {
  output::Json slot;
  slot["slot"] = status.slot;
  slot["publication"] = status.publication;
  slot["wal_status"] = status.wal_status;
  slot["wal_held_bytes"] = status.wal_held_bytes;
  slot["pending_bytes"] = status.pending_bytes;
  slot["catalog_xmin_age"] = status.catalog_xmin_age;
  slot["removal"] = status.removal;
  slot["new_baseline"] = status.new_baseline;
  return slot;
}

output::Json UnfinishedJson(const UnfinishedStatus& unfinished) {
  output::Json document;
  document["begun"] = output::IsoTime(unfinished.begun_us);
  document["tables"] = unfinished.tables;
  document["tables_complete"] = unfinished.tables_complete;
  document["store_bytes"] = unfinished.store_bytes;
  document["slot"] = unfinished.slot ? SlotJson(*unfinished.slot) : output::Json();
  document["at_work"] = unfinished.at_work;
  return document;
}

std::string SlotText(const StatusReport& report, const output::TextStyle& style) {
  const SlotStatus& slot = *report.slot;
  std::string state = output::OneLine(slot.wal_status);
  bool exists = slot.wal_status != "missing" && slot.wal_status != "lost";
  std::string text =
      StatusLine("slot", fmt::format("{}, {}", output::OneLine(slot.slot),
                                     exists ? state : output::Coloured(state, output::Colour::kRed, style)));
  const std::string held =
      fmt::format("{} of WAL on the source; catalog_xmin is {} old", output::HumanBytes(slot.wal_held_bytes),
                  output::Counted(static_cast<uint64_t>(std::max<int64_t>(slot.catalog_xmin_age, 0)), "transaction",
                                  "transactions"));
  if (report.standby) {
    text += StatusLine("held back", held);
    return text + "\nThe slot is of no use on a standby. To remove it: rotv-sync detach, or run there\n" +
           RemovalText(slot.removal);
  }
  if (exists && slot.new_baseline.empty()) {
    text +=
        StatusLine("pending", fmt::format("{} of WAL written since the head", output::HumanBytes(slot.pending_bytes)));
  }
  if (exists) text += StatusLine("held back", held);
  if (!slot.new_baseline.empty()) {
    text += StatusLine(
        "", output::OneLine(slot.new_baseline) + ": a pull needs a new baseline: rotv-sync pull --rebaseline");
  }
  if (slot.removal.empty()) return text;
  return text + "\nTo remove our slot and publication from the source: rotv-sync detach, or run there\n" +
         RemovalText(slot.removal);
}

std::string TablesLine(const StatusReport& report) {
  std::map<std::string, uint64_t> ways;
  for (const TableStatus& table : report.tables) {
    std::string way = output::OneLine(table.follow);
    ++ways[way.starts_with("streamed by index") ? "streamed by an index" : way];
  }
  std::string text = output::HumanCount(report.tables.size());
  for (const auto& [way, count] : ways) text += fmt::format(", {} {}", output::HumanCount(count), way);
  return text;
}

std::string ScheduleLine(const StatusView& view, const output::TextStyle& style) {
  std::string text = view.schedule
                         ? fmt::format("{}, by {}", output::OneLine(view.schedule->calendar), view.schedule->by)
                         : std::string("none");
  if (view.last_scheduled) {
    const std::string last = schedule::RunText(*view.last_scheduled, view.now_us);
    const bool failed = schedule::StateOf(*view.last_scheduled) == schedule::ScheduleState::kFailed;
    text += "; last run " + (failed ? output::Coloured(last, output::Colour::kRed, style) : last);
  }
  return StatusLine("schedule", text);
}

}  // namespace

bool HeadIsOld(const StatusReport& report, const StatusView& view) {
  return report.has_baseline && Age(report.head_time_us, view) > static_cast<double>(kOldHeadDays) * 86400;
}

std::string StatusText(const StatusReport& report, const StatusView& view, const output::TextStyle& style) {
  std::string source = view.source_name;
  if (!report.source.empty()) source += ", " + output::OneLine(report.source);
  std::string text = StatusLine("source", source);
  if (!report.system.empty()) text += StatusLine("server", output::OneLine(report.system));
  if (!report.has_baseline) {
    text += StatusLine("baseline", report.unfinished ? "none yet" : "none yet: rotv-sync baseline (or pull) takes it");
  } else {
    std::string head = Moment(report.head_lsn, report.head_time_us, view);
    text += StatusLine("head", HeadIsOld(report, view) ? output::Coloured(head, output::Colour::kYellow, style) : head);
    text += StatusLine("baseline", Moment(report.baseline_lsn, report.baseline_time_us, view));
    text += StatusLine("store", output::HumanBytes(report.store_bytes));
    if (!report.tables.empty()) text += StatusLine("tables", TablesLine(report));
  }
  if (report.unfinished) text += UnfinishedText(*report.unfinished, style);
  if (report.detached)
    text += StatusLine("detached", "slot and publication are removed: seeds can be written, pull needs a new baseline");
  if (!report.unreachable.empty()) {
    text += StatusLine("source", output::Coloured("cannot be queried: " + output::OneLine(report.unreachable),
                                                  output::Colour::kYellow, style));
  }
  if (report.remote) text += FollowingText(*report.remote, view.now_us);
  if (report.standby) {
    text += StatusLine("source", output::Coloured("is a standby, which cannot be pulled", output::Colour::kRed, style));
    text += StatusLine("", "name the primary in rotv.toml, then rotv-sync pull (after a failover: pull --rebaseline)");
  }
  if (view.schedule || view.last_scheduled) text += ScheduleLine(view, style);
  for (const postgres::Leftover& left : report.leftovers) {
    text += StatusLine("left", output::Coloured(fmt::format("{} in {}: {}", output::OneLine(left.what),
                                                            output::OneLine(left.where), output::OneLine(left.why)),
                                                output::Colour::kYellow, style));
    text += StatusLine("", output::OneLine(left.sql));
  }
  if (report.slot) text += SlotText(report, style);
  return text;
}

output::Json StatusJson(const StatusReport& report, const StatusView& view) {
  auto moment = [&](Lsn lsn, int64_t time_us) {
    output::Json entry;
    entry["lsn"] = lsn.ToString();
    entry["time"] = output::IsoTime(time_us);
    entry["age_seconds"] = Age(time_us, view);
    return entry;
  };
  output::Json document;
  document["source"] = view.source_name;
  document["address"] = report.source;
  document["server"] = report.system;
  document["has_baseline"] = report.has_baseline;
  document["baseline"] = report.has_baseline ? moment(report.baseline_lsn, report.baseline_time_us) : output::Json();
  document["head"] = report.has_baseline ? moment(report.head_lsn, report.head_time_us) : output::Json();
  document["head_is_old"] = HeadIsOld(report, view);
  document["store_bytes"] = report.store_bytes;
  document["detached"] = report.detached;
  document["tables"] = output::Json::array();
  for (const TableStatus& table : report.tables) {
    output::Json entry;
    entry["name"] = table.name;
    entry["follow"] = table.follow;
    entry["reason"] = table.reason;
    document["tables"].push_back(std::move(entry));
  }
  document["leftovers"] = output::Json::array();
  for (const postgres::Leftover& left : report.leftovers) {
    document["leftovers"].push_back({{"what", left.what}, {"where", left.where}, {"why", left.why}, {"sql", left.sql}});
  }
  document["slot"] = output::Json();
  if (report.slot) document["slot"] = SlotJson(*report.slot);
  document["unfinished"] = report.unfinished ? UnfinishedJson(*report.unfinished) : output::Json();
  document["remote"] = report.remote ? FollowingJson(*report.remote) : output::Json();
  document["standby"] = report.standby;
  document["unreachable"] = report.unreachable;
  document["schedule"] = output::Json();
  if (view.schedule)
    document["schedule"] = output::Json{{"by", view.schedule->by}, {"calendar", view.schedule->calendar}};
  document["last_scheduled"] = view.last_scheduled ? schedule::RunJson(*view.last_scheduled) : output::Json();
  return document;
}

}  // namespace rotv::report
