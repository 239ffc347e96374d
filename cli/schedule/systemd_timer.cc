#include "cli/schedule/systemd_timer.h"

#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/config/home.h"
#include "cli/output/output.h"
#include "cli/output/terminal.h"
#include "os/run_program.h"
#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::schedule {
namespace {

namespace fs = std::filesystem;

// Sessions of cron or su have no XDG_RUNTIME_DIR; the user's systemd is then found at its usual path.
os::Environment RuntimeDirectory(const os::Environment& environment) {
  const std::string usual = fmt::format("/run/user/{}", getuid());
  if (!os::Variable(environment, "XDG_RUNTIME_DIR").empty() || !fs::exists(usual)) return {};
  return {{"XDG_RUNTIME_DIR", usual}};
}

os::ProgramResult Systemctl(const SchedulePlace& place, std::vector<std::string> words) {
  words.insert(words.begin(), {"systemctl", "--user"});
  return os::RunProgramQuietly(words, place.interrupt, RuntimeDirectory(place.environment));
}

// Quotes a value of a unit; within quotes only these three characters have a meaning.
std::string UnitWord(const std::string& text) {
  std::string word = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') word += '\\';
    if (c == '%') word += '%';
    word += c;
  }
  return word + "\"";
}

// Quotes an argument of a command, in which systemd replaces variables too; it does not in the program's own name.
std::string ArgumentWord(const std::string& text) {
  std::string doubled;
  for (char c : text) doubled += c == '$' ? std::string("$$") : std::string(1, c);
  return UnitWord(doubled);
}

fs::path UnitDirectory(const os::Environment& environment) {
  const std::string config = os::Variable(environment, "XDG_CONFIG_HOME");
  return (config.empty() ? config::UserHome(environment) / ".config" : fs::path(config)) / "systemd" / "user";
}

constexpr const char* kHeader =
    "# Written by rotv-sync schedule install, which replaces it; rotv-sync schedule remove deletes it.\n";

// The settings that need a mount namespace.
constexpr const char* kMountSandbox[] = {
    "PrivateUsers=yes",         "PrivateDevices=yes",    "ProtectSystem=strict",     "ProtectHome=read-only",
    "ProtectControlGroups=yes", "ProtectKernelLogs=yes", "ProtectKernelModules=yes", "ProtectKernelTunables=yes"};

// The run may write only to its home, and to /tmp, where sockets are if the home's path is too long for them.
std::string MountSandbox(const fs::path& home) {
  return fmt::format("{}\nReadWritePaths={}\nReadWritePaths=-/tmp\n", fmt::join(kMountSandbox, "\n"), UnitWord(home));
}

constexpr const char* kSandbox =
    "NoNewPrivileges=yes\n"
    "CapabilityBoundingSet=\n"
    "LockPersonality=yes\n"
    "MemoryDenyWriteExecute=yes\n"
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n"
    "RestrictNamespaces=yes\n"
    "RestrictRealtime=yes\n"
    "RestrictSUIDSGID=yes\n"
    "SystemCallArchitectures=native\n"
    "SystemCallFilter=@system-service\n";

bool MountsAreAllowed(const SchedulePlace& place) {
  std::vector<std::string> trial = {"systemd-run", "--user", "--wait", "--collect", "--quiet"};
  for (const char* property : kMountSandbox) trial.insert(trial.end(), {"-p", property});
  trial.emplace_back("true");
  return os::RunProgramQuietly(trial, place.interrupt, RuntimeDirectory(place.environment)).exit_status == 0;
}

bool Lingers(const SchedulePlace& place) {
  return os::RunProgramQuietly({"loginctl", "show-user", std::to_string(getuid()), "--property=Linger", "--value"},
                               place.interrupt)
             .out == "yes\n";
}

}  // namespace

std::string ServiceUnit(const ScheduleJob& job, const SchedulePlace& place, Sandbox sandbox) {
  return fmt::format(
      "{}[Unit]\n"
      "Description=rotv-sync: pull {}\n\n"
      "[Service]\n"
      "Type=oneshot\n"
      "ExecStart={} --home {} --source {} schedule run\n"
      "Nice=10\n"
      "IOSchedulingClass=idle\n"
      "UMask=0077\n"
      "LimitCORE=0\n"
      "{}{}",
      kHeader, job.source, UnitWord(place.executable), ArgumentWord(place.home), job.source,
      sandbox == Sandbox::kFull ? MountSandbox(place.home) : "", kSandbox);
}

std::string TimerUnit(const ScheduleJob& job) {
  return fmt::format(
      "{}[Unit]\n"
      "Description=rotv-sync: when {} is pulled\n\n"
      "[Timer]\n"
      "OnCalendar={}\n"
      "# Runs are spread, so that not everybody loads the source in the same minute; missed runs are made up for.\n"
      "RandomizedDelaySec=15min\n"
      "Persistent=true\n\n"
      "[Install]\n"
      "WantedBy=timers.target\n",
      kHeader, job.source, job.calendar);
}

SystemdTimer::SystemdTimer(const SchedulePlace& place) : place_(place), units_(UnitDirectory(place.environment)) {}

bool SystemdTimer::IsHere(const SchedulePlace& place) {
  return os::ProgramIsHere("systemctl", place.environment) && Systemctl(place, {"show-environment"}).exit_status == 0;
}

void SystemdTimer::Check(const std::string& calendar) {
  const os::ProgramResult parsed =
      os::RunProgramQuietly({"systemd-analyze", "calendar", "--iterations=1", "--", calendar}, place_.interrupt);
  if (parsed.exit_status == 0 && calendar.find('\n') == std::string::npos) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("\"{}\" is not a calendar expression of systemd", output::OneLine(calendar)),
              "for example '*-*-* 02:00', 'Mon..Fri 07:30' or 'hourly'; systemd-analyze calendar checks others");
}

// The name depends on the home directory, because each has its own schedule.
std::string SystemdTimer::UnitName(const ScheduleJob& job) const {
  const std::string& home = place_.home.native();
  const bool usual = place_.home == config::UserHome(place_.environment) / ".rotv";
  return "rotv-sync-" + job.source + (usual ? "" : fmt::format(":{:016x}", XXH3_64bits(home.data(), home.size())));
}

fs::path SystemdTimer::UnitPath(const ScheduleJob& job, const char* ending) const {
  return units_ / (UnitName(job) + ending);
}

void SystemdTimer::Reload() const { Systemctl(place_, {"daemon-reload"}); }

std::string SystemdTimer::Install(const ScheduleJob& job) {
  const Sandbox sandbox = MountsAreAllowed(place_) ? Sandbox::kFull : Sandbox::kWithoutMounts;
  fs::create_directories(units_);
  WriteFileAtomically(UnitPath(job, ".service"), ServiceUnit(job, place_, sandbox));
  WriteFileAtomically(UnitPath(job, ".timer"), TimerUnit(job));
  Reload();
  const std::string timer = UnitName(job) + ".timer";
  // A timer that ran with another calendar is started again.
  os::ProgramResult started = Systemctl(place_, {"enable", timer});
  if (started.exit_status == 0) started = Systemctl(place_, {"restart", timer});
  if (started.exit_status != 0) {
    Remove(job);
    throw Error(ErrorCode::kCannotStart,
                fmt::format("systemd does not accept the timer: {}", output::OneLine(os::LastLine(started.err))),
                "systemctl --user status may say more");
  }
  std::string told = "Each run starts up to 15 minutes later, at random; a missed run is made up for.\n";
  if (sandbox == Sandbox::kWithoutMounts) {
    told += "This system does not allow mount namespaces for user services: the run could write outside its home.\n";
  }
  if (!Lingers(place_)) told += "It runs only while you are logged in; to run it always: loginctl enable-linger\n";
  return told;
}

void SystemdTimer::Remove(const ScheduleJob& job) {
  Systemctl(place_, {"disable", "--now", UnitName(job) + ".timer"});
  for (const char* ending : {".timer", ".service"}) fs::remove(UnitPath(job, ending));
  Reload();
}

bool SystemdTimer::IsInstalled(const ScheduleJob& job) {
  return Systemctl(place_, {"is-enabled", UnitName(job) + ".timer"}).exit_status == 0;
}

std::string CalendarsOf(const std::string& property) {
  constexpr std::string_view kBegin = "OnCalendar=", kEnd = " ;";
  std::string calendars;
  for (size_t at = 0; (at = property.find(kBegin, at)) != std::string::npos;) {
    at += kBegin.size();
    const size_t end = std::min(property.find(kEnd, at), property.size());
    calendars += (calendars.empty() ? "" : ", ") + property.substr(at, end - at);
    at = end;
  }
  return calendars;
}

std::string SystemdTimer::Times(const ScheduleJob& job) {
  const std::string own =
      CalendarsOf(Systemctl(place_, {"show", UnitName(job) + ".timer", "--property=TimersCalendar", "--value"}).out);
  // The words that systemd makes of the job's calendar.
  constexpr std::string_view kNormalized = "Normalized form: ";
  const std::string parsed =
      os::RunProgramQuietly({"systemd-analyze", "calendar", "--iterations=1", "--", job.calendar}, place_.interrupt)
          .out;
  const size_t at = parsed.find(kNormalized);
  if (own.empty() || at == std::string::npos) return job.calendar;
  const size_t begin = at + kNormalized.size();
  return own == parsed.substr(begin, parsed.find('\n', begin) - begin) ? job.calendar : own;
}

std::string SystemdTimer::Obstacle() {
  if (IsHere(place_)) return "";
  return "your systemd does not answer (systemctl --user status). Log in again, or make it run always: loginctl "
         "enable-linger";
}

std::optional<int64_t> SystemdTimer::Next(const ScheduleJob& job) {
  // [{"next":1764295200000000,...}], in microseconds; systemd before 249 writes no JSON.
  const std::string listed = Systemctl(place_, {"list-timers", "--output=json", UnitName(job) + ".timer"}).out;
  const output::Json document = output::Json::parse(listed, nullptr, false);
  if (!document.is_array() || document.empty() || !document[0].is_object()) return std::nullopt;
  const output::Json next = document[0].value("next", output::Json());
  if (!next.is_number_integer() || next == 0) return std::nullopt;
  return next.get<int64_t>();
}

}  // namespace rotv::schedule
