#include "cli/schedule/job.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/output/json_record.h"
#include "cli/output/terminal.h"
#include "os/process_list.h"
#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::schedule {

void to_json(nlohmann::json& record, const ScheduleJob& job) {
  record = {{"source", job.source},
            {"by", job.by},
            {"calendar", job.calendar},
            {"rebaseline", job.rebaseline},
            {"check", job.check},
            {"materialize", job.materialize},
            {"publish", job.publish},
            {"warm", job.warm},
            {"config", job.config},
            {"directory", job.directory},
            {"environment", job.environment}};
}

// A job of an older version has none of the flags that have a default here.
void from_json(const nlohmann::json& record, ScheduleJob& job) {
  record.at("source").get_to(job.source);
  record.at("by").get_to(job.by);
  record.at("calendar").get_to(job.calendar);
  record.at("rebaseline").get_to(job.rebaseline);
  job.check = record.value("check", false);
  job.materialize = record.value("materialize", false);
  job.publish = record.value("publish", false);
  job.warm = record.value("warm", false);
  record.at("config").get_to(job.config);
  record.at("directory").get_to(job.directory);
  record.at("environment").get_to(job.environment);
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ScheduledRun, started_us, ended_us, process, exit_code, message, hint)

namespace {

namespace fs = std::filesystem;

fs::path JobPath(const fs::path& home, const std::string& source) {
  return ScheduleDirectory(home, source) / "job.json";
}
fs::path LastRunPath(const fs::path& home, const std::string& source) {
  return ScheduleDirectory(home, source) / "last.json";
}

// Nothing unless every field is there.
template <typename T>
std::optional<T> ReadRecord(const fs::path& path) {
  const std::optional<nlohmann::json> record = output::ReadJsonRecord(path);
  if (!record) return std::nullopt;
  try {
    return record->get<T>();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

void WriteRecord(const fs::path& path, const nlohmann::json& document) {
  fs::create_directories(path.parent_path());  // The umask makes them private.
  WriteFileAtomically(path, output::JsonText(document));
}

std::string AgeText(int64_t time_us, int64_t now_us) {
  constexpr double kUsPerSecond = 1e6;
  return output::HumanAge(static_cast<double>(now_us - time_us) / kUsPerSecond);
}

}  // namespace

fs::path ScheduleDirectory(const fs::path& home, const std::string& source) { return home / "schedule" / source; }

std::optional<ScheduleJob> ReadJob(const fs::path& home, const std::string& source) {
  return ReadRecord<ScheduleJob>(JobPath(home, source));
}

std::optional<ScheduledRun> ReadLastRun(const fs::path& home, const std::string& source) {
  return ReadRecord<ScheduledRun>(LastRunPath(home, source));
}

void WriteJob(const fs::path& home, const ScheduleJob& job) { WriteRecord(JobPath(home, job.source), job); }

void WriteLastRun(const fs::path& home, const std::string& source, const ScheduledRun& run) {
  WriteRecord(LastRunPath(home, source), run);
}

void RemoveJob(const fs::path& home, const std::string& source) { fs::remove_all(ScheduleDirectory(home, source)); }

ScheduleState StateOf(const ScheduledRun& run) {
  if (run.ended_us == 0) return os::IsAlive(run.process) ? ScheduleState::kRunning : ScheduleState::kKilled;
  if (run.exit_code == 0) return ScheduleState::kDone;
  return run.exit_code == static_cast<int>(ErrorCode::kInterrupted) ? ScheduleState::kInterrupted
                                                                    : ScheduleState::kFailed;
}

std::string RunText(const ScheduledRun& run, int64_t now_us) {
  switch (StateOf(run)) {
    case ScheduleState::kRunning:
      return fmt::format("running, started {}", AgeText(run.started_us, now_us));
    case ScheduleState::kDone:
      return fmt::format("done {}", AgeText(run.ended_us, now_us));
    case ScheduleState::kInterrupted:
      return fmt::format("interrupted {}", AgeText(run.ended_us, now_us));
    case ScheduleState::kKilled:
      return fmt::format("started {} and was killed", AgeText(run.started_us, now_us));
    case ScheduleState::kFailed:
      break;
  }
  return fmt::format("failed {}: {}", AgeText(run.ended_us, now_us), output::OneLine(run.message));
}

output::Json RunJson(const ScheduledRun& run) {
  static const char* const kNames[] = {"running", "done", "failed", "interrupted", "killed"};
  return output::Json{{"state", kNames[static_cast<int>(StateOf(run))]},
                      {"started", output::IsoTime(run.started_us)},
                      {"ended", run.ended_us == 0 ? output::Json() : output::Json(output::IsoTime(run.ended_us))},
                      {"exit_code", run.ended_us == 0 ? output::Json() : output::Json(run.exit_code)},
                      {"message", run.message},
                      {"hint", run.hint}};
}

std::string ScheduleWarning(const fs::path& home, const std::string& source, int64_t head_time_us, int64_t now_us) {
  const std::optional<ScheduledRun> run = ReadLastRun(home, source);
  if (!run || StateOf(*run) != ScheduleState::kFailed || run->ended_us < head_time_us) return "";
  return fmt::format("the scheduled pull of {} {}{}", source, RunText(*run, now_us),
                     run->hint.empty() ? "" : fmt::format(" ({})", output::OneLine(run->hint)));
}

}  // namespace rotv::schedule
