#include "cli/schedule/crontab.h"

#include <fmt/format.h>

#include <sstream>

#include "cli/output/terminal.h"
#include "cli/schedule/calendar.h"
#include "cli/schedule/machine_time_zone.h"
#include "os/clock.h"
#include "os/private_file.h"
#include "os/process_list.h"
#include "os/run_program.h"
#include "storage/error.h"

namespace rotv::schedule {
namespace {

// Runs are spread, because everybody has the same default minute and would load the source together.
constexpr int kSpreadSeconds = 15 * 60;

// Quotes `text` as a word for the shell that cron starts. cron itself turns a '%' into a line feed unless a backslash
// is before it, and removes that backslash, even within quotes.
std::string CronWord(const std::string& text) {
  std::string word = "'";
  for (char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else if (c == '%') {
      word += "\\%";
    } else {
      word += c;
    }
  }
  return word + "'";
}

}  // namespace

std::string CronFieldsOf(const std::string& table, const std::string& begin, const std::string& end) {
  std::istringstream lines(table);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == begin) inside = true;
    if (line == end) break;
    if (!inside || line.empty() || line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string fields;
    const int wanted = line.starts_with('@') ? 1 : 5;
    std::string word;
    for (int i = 0; i < wanted && words >> word; ++i) fields += (i == 0 ? "" : " ") + word;
    return fields;
  }
  return "";
}

std::string WithoutBlock(const std::string& table, const std::string& begin, const std::string& end) {
  std::istringstream lines(table);
  std::string kept;
  bool inside = false, paired = true;
  for (std::string line; std::getline(lines, line);) {
    if (line == begin || line == end) {
      paired = paired && (line == begin) != inside;
      inside = line == begin;
      continue;
    }
    if (!inside) kept += line + "\n";
  }
  if (inside || !paired) {
    throw Error(ErrorCode::kUsage, "the lines of this schedule in the crontab have lost one of their two markers",
                fmt::format("run crontab -e and remove what is left of them, beginning with \"{}\"", begin));
  }
  return kept;
}

Crontab::Markers Crontab::MarkersOf(const ScheduleJob& job) const {
  const std::string what = fmt::format("rotv-sync {} in {}", job.source, place_.home.native());
  return {"# BEGIN " + what, "# END " + what};
}

std::string Crontab::Read() const {
  const os::ProgramResult listed = os::RunProgramQuietly({"crontab", "-l"}, place_.interrupt);
  if (listed.exit_status == 0) return listed.out;
  // A crontab that cannot be read must not be taken for an empty one: ours would replace it.
  for (const char* empty : {"no crontab", "No such file"}) {
    if (listed.err.find(empty) != std::string::npos) return "";
  }
  throw Error(ErrorCode::kCannotStart,
              fmt::format("the crontab cannot be read: {}", output::OneLine(os::LastLine(listed.err))),
              "may this user have a crontab? see cron.allow and cron.deny");
}

void Crontab::Write(const std::string& table) const {
  const os::PrivateFile file(place_.home / "run" / "crontab", table);
  const os::ProgramResult set = os::RunProgramQuietly({"crontab", file.path()}, place_.interrupt);
  if (set.exit_status != 0) {
    throw Error(ErrorCode::kCannotStart,
                fmt::format("crontab does not accept our line: {}", output::OneLine(os::LastLine(set.err))),
                "may this user have a crontab? see cron.allow and cron.deny");
  }
}

void Crontab::Check(const std::string& calendar) { Calendar parsed(calendar); }

std::string Crontab::Install(const ScheduleJob& job) {
  const Markers markers = MarkersOf(job);
  const std::string line =
      fmt::format("{} {} --home {} --source {} schedule run --log --spread {}\n", Calendar(job.calendar).CronFields(),
                  CronWord(place_.executable), CronWord(place_.home), CronWord(job.source), kSpreadSeconds);
  std::string table = WithoutBlock(Read(), markers.begin, markers.end);
  Write(fmt::format("{}{}\n{}{}\n", table, markers.begin, line, markers.end));
  return "Each run starts up to 15 minutes later, at random. cron does not make up for missed runs.\n";
}

void Crontab::Remove(const ScheduleJob& job) {
  const Markers markers = MarkersOf(job);
  const std::string table = Read();
  const std::string kept = WithoutBlock(table, markers.begin, markers.end);
  if (kept != table) Write(kept);
}

bool Crontab::IsInstalled(const ScheduleJob& job) {
  const Markers markers = MarkersOf(job);
  const std::string table = Read();
  return WithoutBlock(table, markers.begin, markers.end) != table;
}

std::string Crontab::FieldsOf(const ScheduleJob& job) const {
  const Markers markers = MarkersOf(job);
  return CronFieldsOf(Read(), markers.begin, markers.end);
}

std::string Crontab::Times(const ScheduleJob& job) {
  const std::string fields = FieldsOf(job);
  return fields.empty() || fields == Calendar(job.calendar).CronFields() ? job.calendar : fields;
}

std::optional<int64_t> Crontab::Next(const ScheduleJob& job) {
  const std::optional<Calendar> calendar = Calendar::FromCron(FieldsOf(job));
  if (!calendar) return std::nullopt;
  const MachineTimeZone zone;  // That of the daemon, which TZ in this shell is not.
  return calendar->Next(os::NowMicroseconds());
}

std::string Crontab::Obstacle() {
  if (os::AnyRuns({"cron", "crond", "fcron"}).value_or(true)) return "";
  return fmt::format(
      "cron is installed here, but does not run. Start it: sudo systemctl enable --now cron, without systemd sudo "
      "service cron start (crond on Fedora and Alpine); or let something else run '{}' schedule run",
      place_.executable.native());
}

}  // namespace rotv::schedule
