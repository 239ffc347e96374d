#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/config/config.h"
#include "cli/config/home.h"
#include "cli/output/format.h"
#include "cli/program/publishing.h"
#include "cli/rotv_sync/command.h"
#include "cli/schedule/choose_scheduler.h"
#include "cli/schedule/machine_time_zone.h"
#include "cli/schedule/scheduled_run.h"
#include "os/clock.h"
#include "storage/error.h"
#include "storage/workspace.h"
#include "sync/materialize.h"

namespace rotv {
namespace {

struct ScheduleFlags {
  std::string calendar = "*-*-* 02:00";
  bool rebaseline = false;
  bool check = false;
  bool materialize = false;
  bool publish = false;
  bool warm = false;
  schedule::ScheduledRunOptions run;
  std::function<int(const ScheduleFlags& flags, const program::Invocation& call)> chosen;
};

// The variables that a pull or a publication reads and a scheduler does not pass on. Passwords and keys are left out:
// they are never written to a file.
constexpr const char* kKeptVariables[] = {"PATH",
                                          "SSH_AUTH_SOCK",
                                          "PGPASSFILE",
                                          "PGSERVICEFILE",
                                          "PGSYSCONFDIR",
                                          "PGSSLMODE",
                                          "PGSSLROOTCERT",
                                          "PGSSLCERT",
                                          "PGSSLKEY",
                                          "KRB5CCNAME",
                                          "PRODUCTION_HOST",
                                          "PRODUCTION_PORT",
                                          "PRODUCTION_CONTAINER",
                                          "PRODUCTION_USER",
                                          "PRODUCTION_PGHOST",
                                          "PRODUCTION_PGPORT",
                                          "PGDATABASE",
                                          "PGUSER",
                                          "AWS_PROFILE",
                                          "AWS_CONFIG_FILE",
                                          "AWS_SHARED_CREDENTIALS_FILE",
                                          "AWS_REGION",
                                          "AWS_DEFAULT_REGION",
                                          "AWS_ENDPOINT_URL",
                                          "AWS_ENDPOINT_URL_S3",
                                          "AWS_CA_BUNDLE",
                                          "SSL_CERT_FILE"};

schedule::SchedulePlace PlaceOf(const program::Invocation& call) {
  return {call.home, call.environment, call.interrupt, std::filesystem::read_symlink("/proc/self/exe")};
}

// Throws kUsage for a path with a line feed, which would start another line of a unit or a crontab.
void RefuseControlCharacters(const std::filesystem::path& path) {
  for (char c : path.native()) {
    if (static_cast<unsigned char>(c) >= ' ') continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("{} has a control character in its name", output::OneLine(path.native())),
                "a schedule needs a path without control characters");
  }
}

schedule::ScheduleJob NewJob(const program::Invocation& call, const ScheduleFlags& flags, const SourceConfig& source) {
  schedule::ScheduleJob job{.source = source.name,
                            .by = {},
                            .calendar = flags.calendar,
                            .rebaseline = flags.rebaseline,
                            .check = flags.check,
                            .materialize = flags.materialize,
                            .publish = flags.publish,
                            .warm = flags.warm,
                            .config = call.config.FilePath(),
                            .directory = std::filesystem::current_path(),
                            .environment = {}};
  for (const char* name : kKeptVariables) {
    if (std::string value = os::Variable(call.environment, name); !value.empty()) job.environment[name] = value;
  }
  return job;
}

void WarnOfSecrets(const program::Invocation& call, const SourceConfig& source) {
  if (!os::Variable(call.environment, "PGPASSWORD").empty()) {
    call.progress.Warn("PGPASSWORD is set here but will not be set in scheduled runs: put the password into ~/.pgpass");
  }
  if (!os::Variable(call.environment, "AWS_SECRET_ACCESS_KEY").empty()) {
    call.progress.Warn(
        "AWS_SECRET_ACCESS_KEY is set here but will not be set in scheduled runs: put the key into a profile (aws "
        "configure)");
  }
  if (!source.ssh.empty() && source.identity.empty() && !os::Variable(call.environment, "SSH_AUTH_SOCK").empty()) {
    call.progress.Warn(
        "scheduled runs can only use the SSH agent that runs now: \"identity\" in the config is more reliable");
  }
}

// A calendar is by the machine's clock, so that its time is shown, too.
std::string NextText(int64_t time_us) {
  const std::string here = schedule::MachineTimeText(time_us);
  return output::HumanTime(time_us) + (here.empty() ? "" : fmt::format(" ({})", here));
}

// ", its seed is written, it is published,": what is done after each pull; else nothing.
std::string AfterwardsText(const schedule::ScheduleJob& job) {
  std::vector<std::string> parts;
  if (job.check) parts.emplace_back("its seed is checked");
  if (job.materialize && !job.check) parts.emplace_back("its seed is written");
  if (job.publish) parts.emplace_back("it is published");
  if (job.warm) parts.emplace_back("a warm cluster is made");
  return parts.empty() ? "" : fmt::format(", {},", fmt::join(parts, ", "));
}

// Prints the report of `show`, which `install` prints too.
int Report(const program::Invocation& call, const std::string& source, const std::string& remarks) {
  const std::optional<schedule::ScheduleJob> job = schedule::ReadJob(call.home, source);
  const std::optional<schedule::ScheduledRun> last = schedule::ReadLastRun(call.home, source);
  output::Json document{{"source", source}, {"installed", false}};
  std::string text;
  if (!job) {
    text = fmt::format("{} has no schedule: rotv-sync schedule install\n", source);
  } else {
    const std::unique_ptr<schedule::Scheduler> scheduler = schedule::SchedulerOf(job->by, PlaceOf(call));
    const bool installed = scheduler->IsInstalled(*job);
    const std::string obstacle = installed ? scheduler->Obstacle() : "";
    const std::string times = installed ? scheduler->Times(*job) : job->calendar;
    const bool runs = installed && obstacle.empty();
    const int64_t next_us = runs ? scheduler->Next(*job).value_or(0) : 0;  // 0: unknown.
    text = fmt::format("{} is pulled{} by {}: {}{}\n", source, AfterwardsText(*job), job->by, times,
                       times == job->calendar ? "" : ", changed since it was installed");
    if (runs) {
      text += fmt::format("next run   {}\n", next_us != 0 ? NextText(next_us) : "unknown");
    } else if (installed) {
      text += fmt::format("next run   none: {}\n", obstacle);
    } else {
      text +=
          fmt::format("next run   none: {} no longer has the job; rotv-sync schedule install adds it again\n", job->by);
    }
    document["installed"] = installed;
    document["by"] = job->by;
    document["calendar"] = job->calendar;
    document["rebaseline"] = job->rebaseline;
    document["check"] = job->check;
    document["materialize"] = job->materialize;
    document["publish"] = job->publish;
    document["warm"] = job->warm;
    document["times"] = times;
    document["obstacle"] = obstacle.empty() ? output::Json() : output::Json(obstacle);
    document["next"] = next_us != 0 ? output::Json(output::IsoTime(next_us)) : output::Json();
  }
  if (last) {
    text += fmt::format("last run   {}\n", schedule::RunText(*last, os::NowMicroseconds()));
    if (schedule::StateOf(*last) == schedule::ScheduleState::kFailed && !last->hint.empty())
      text += fmt::format("           {}\n", last->hint);
  } else if (job) {
    text += "last run   none yet\n";
  }
  if (job && job->by == "cron") {
    const std::filesystem::path log = schedule::ScheduleDirectory(call.home, source) / "log";
    text += fmt::format("log        {}\n", log.native());
    document["log"] = log.native();
  }
  document["last"] = last ? schedule::RunJson(*last) : output::Json();
  call.output.Result(text + remarks, document);
  return 0;
}

void RequireRemote(const program::Invocation& call, const SourceConfig& source) {
  if (!source.remote.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("{} follows a remote, and is not published from here", source.name),
                "leave --publish out");
  }
  for (const RemoteConfig& remote : call.config.Remotes()) {
    if (remote.source.empty() || remote.source == source.name) return;
  }
  throw Error(ErrorCode::kUsage, fmt::format("rotv.toml has no remote for {}", source.name),
              "--publish needs [remotes.NAME] with a url");
}

int RunInstall(const ScheduleFlags& flags, const program::Invocation& call) {
  const SourceConfig source = call.config.Source();
  if (source.imported) {
    throw Error(ErrorCode::kUsage, fmt::format("{} was imported from a file: there is nothing to pull", source.name),
                "");
  }
  if (flags.publish) RequireRemote(call, source);
  config::OpenHome(call.home);
  const schedule::SchedulePlace place = PlaceOf(call);
  RefuseControlCharacters(place.home);
  RefuseControlCharacters(place.executable);
  schedule::ScheduleJob job = NewJob(call, flags, source);
  const std::unique_ptr<schedule::Scheduler> scheduler = schedule::ChooseScheduler(place);
  job.by = scheduler->name();
  scheduler->Check(job.calendar);
  const std::optional<schedule::ScheduleJob> before = schedule::ReadJob(call.home, source.name);
  if (before && before->by != job.by) schedule::SchedulerOf(before->by, place)->Remove(*before);
  // The record is written first: if the process is killed after that, `remove` still finds the job.
  schedule::WriteJob(call.home, job);
  std::string remarks;
  try {
    remarks = scheduler->Install(job);
  } catch (...) {
    before ? schedule::WriteJob(call.home, *before) : schedule::RemoveJob(call.home, source.name);
    throw;
  }
  WarnOfSecrets(call, source);
  if (const std::string obstacle = scheduler->Obstacle(); !obstacle.empty()) call.progress.Warn(obstacle);
  return Report(call, source.name, remarks);
}

// The config may be gone by now, so a source that is named is not looked up in it.
std::string SourceName(const program::Invocation& call) {
  if (!call.options.source.empty() && IsSourceName(call.options.source)) return call.options.source;
  return call.config.Source().name;
}

int RunShow(const ScheduleFlags& /*flags*/, const program::Invocation& call) {
  return Report(call, SourceName(call), "");
}

int RunRemove(const ScheduleFlags& /*flags*/, const program::Invocation& call) {
  const std::string source = SourceName(call);
  const std::optional<schedule::ScheduleJob> job = schedule::ReadJob(call.home, source);
  if (job) schedule::SchedulerOf(job->by, PlaceOf(call))->Remove(*job);
  schedule::RemoveJob(call.home, source);
  call.output.Result(job ? fmt::format("{} is no longer pulled by {}.\n", source, job->by)
                         : fmt::format("{} had no schedule.\n", source),
                     output::Json{{"source", source}, {"removed", job.has_value()}});
  return 0;
}

// Writes the seed as `materialize` does by default, and imports it if the job is to check it.
void WriteSeed(const program::Session& session, bool check) {
  MaterializeOptions options;
  options.compression = session.seed_compression;
  const MaterializeResult seed = WriteSeedAndNote(session, options);
  if (!check) return session.progress.Say(fmt::format("wrote {}", seed.path.native()));
  const double seconds = CheckImports(session, seed);
  session.progress.Say(fmt::format("wrote {}, which imports: tried on a scratch server in {}", seed.path.native(),
                                   output::HumanDuration(seconds)));
}

// One scheduled pull, and what the job wants done after it.
void RunJob(const program::Session& session, const schedule::ScheduleJob& job, program::Hooks& hooks) {
  const output::Json document = PullAndPrint(session, {.rebaseline = job.rebaseline});
  if (job.check || job.materialize) WriteSeed(session, job.check);
  PublishAfterPull(session, job.publish ? PublishTo::kAll : PublishTo::kThoseThatAsk, hooks);
  WarmAfterPull(session, job.warm ? Warm::kYes : Warm::kIfTheConfigSaysSo);
  // Last: whoever is told finds everything there.
  hooks.AfterPull(document);
}

int RunOnce(const ScheduleFlags& flags, const program::Invocation& call) {
  const std::string source = SourceName(call);
  std::optional<schedule::ScheduleJob> job = schedule::ReadJob(call.home, source);
  // Without a record the command is run by hand or by another scheduler.
  if (!job) job = NewJob(call, flags, call.config.Source());
  job->check = job->check || flags.check;
  program::Hooks* hooks = nullptr;  // They need the job's config.
  schedule::ScheduledRunOptions options = flags.run;
  options.around = [&](const program::Invocation& own, const std::function<int()>& run) {
    program::Hooks of_this_run(own, source);
    hooks = &of_this_run;
    return of_this_run.Around(run);
  };
  const auto pull = [&](const program::Session& session) {
    RunJob(session, *job, *hooks);
    return 0;
  };
  return schedule::RunAsScheduled(call, *job, options, program::OnSource({pull, nullptr}, program::Watched::kByNobody));
}

}  // namespace

program::Command DeclareSchedule(CLI::App& app) {
  auto flags = std::make_shared<ScheduleFlags>();
  app.description("Pull at set times");
  app.require_subcommand(1);
  app.footer(
      "Uses a systemd user timer, or a line of your crontab where there is no systemd. Scheduled pulls\n"
      "and your own commands wait for each other.");
  CLI::App* install = app.add_subcommand("install", "Install the schedule, or change its times");
  install->add_option("--calendar", flags->calendar, "The times, in systemd's format (default: *-*-* 02:00)")
      ->type_name("SPEC");
  install->add_flag("--rebaseline", flags->rebaseline, "Take a new baseline if the slot is lost");
  install->add_flag("--check", flags->check, "After each pull, write the seed and import it into a scratch server");
  install->footer(
      "Examples:\n"
      "  rotv-sync schedule install                             # every night\n"
      "  rotv-sync schedule install --calendar 'Mon..Fri 07:30'\n"
      "  rotv-sync schedule install --materialize --warm");
  install->add_flag("--materialize", flags->materialize, "After each pull, write the seed");
  install->add_flag(
      "--publish", flags->publish,
      "After each pull, publish to every remote of the source (without it: to those with publish = true)");
  install->add_flag("--warm", flags->warm,
                    "After each pull, make a warm cluster (without it: if [app] has warm = true)");
  install->callback([flags] { flags->chosen = RunInstall; });
  CLI::App* show = app.add_subcommand("show", "Show the last run, how it ended, and the next run");
  show->footer("Examples:\n  rotv-sync schedule show");
  show->callback([flags] { flags->chosen = RunShow; });
  CLI::App* remove = app.add_subcommand("remove", "Remove the schedule");
  remove->footer("Examples:\n  rotv-sync schedule remove");
  remove->callback([flags] { flags->chosen = RunRemove; });
  CLI::App* run = app.add_subcommand("run", "Pull now, as the schedule does");
  run->add_flag("--log", flags->run.log, "Write to the schedule's log file");
  run->add_flag("--check", flags->check, "Write the seed, too, and import it into a scratch server");
  run->add_option("--spread", flags->run.spread_seconds, "Wait a random time of at most this long first")
      ->type_name("SECONDS");
  run->add_option("--retries", flags->run.retries,
                  "How often to try again if the source cannot be reached, or is in use (default: 3)")
      ->type_name("N");
  run->add_option("--retry-after", flags->run.retry_seconds, "Time to wait before each retry (default: 300)")
      ->type_name("SECONDS");
  run->footer("Examples:\n  rotv-sync schedule run");
  run->callback([flags] { flags->chosen = RunOnce; });
  for (CLI::App* command : {install, show, remove, run}) command->fallthrough();
  return {[flags](const program::Invocation& call) { return flags->chosen(*flags, call); }, nullptr};
}

}  // namespace rotv
