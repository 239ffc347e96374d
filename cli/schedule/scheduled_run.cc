#include "cli/schedule/scheduled_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "cli/config/home.h"
#include "cli/output/format.h"
#include "os/clock.h"
#include "os/log_file.h"
#include "os/process_environment.h"
#include "storage/error.h"

namespace rotv::schedule {
namespace {

void Wait(std::chrono::seconds time, const Interrupt& interrupt) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    interrupt.Check();
    std::this_thread::sleep_for(std::chrono::milliseconds(Interrupt::kPollMs));
  }
}

void WaitByChance(int most_seconds, const Interrupt& interrupt) {
  if (most_seconds <= 0) return;
  std::random_device chance;
  Wait(std::chrono::seconds(std::uniform_int_distribution<int>(0, most_seconds)(chance)), interrupt);
}

void Prepare(const ScheduleJob& job, os::Environment* environment) {
  for (const auto& [name, value] : job.environment) {
    os::SetTakenVariable(name, value);
    (*environment)[name] = value;
  }
  if (chdir(job.directory.c_str()) != 0) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("cannot change to {}, the directory in which this schedule was installed", job.directory.native()),
        "run rotv-sync schedule install again, in the config's directory");
  }
}

// Both pass by themselves: the source comes back, the other run ends.
bool IsWorthARetry(const Error& error) {
  return error.code() == ErrorCode::kUnreachable || error.code() == ErrorCode::kInUse;
}

int RunWithRetries(const program::Invocation& call, const ScheduledRunOptions& options,
                   const program::Command& command) {
  for (int retry = 0;; ++retry) {
    try {
      return command.run(call);
    } catch (const Error& error) {
      if (!IsWorthARetry(error) || retry == options.retries) throw;
      call.interrupt.Check();
      call.progress.Warn(
          fmt::format("{}; trying again in {}", error.what(), output::HumanDuration(options.retry_seconds)));
    }
    Wait(std::chrono::seconds(options.retry_seconds), call.interrupt);
  }
}

}  // namespace

int RunAsScheduled(const program::Invocation& call, const ScheduleJob& job, const ScheduledRunOptions& options,
                   const program::Command& command) {
  config::OpenHome(call.home);
  if (options.log) os::WriteToLogFile(ScheduleDirectory(call.home, job.source) / "log");
  WaitByChance(options.spread_seconds, call.interrupt);
  ScheduledRun run{.started_us = os::NowMicroseconds(), .process = getpid(), .message = {}, .hint = {}};
  WriteLastRun(call.home, job.source, run);
  call.progress.Say(fmt::format("scheduled pull of {}, {}", job.source, output::HumanTime(run.started_us)));
  auto note_end = [&](int exit_code) {
    run.ended_us = os::NowMicroseconds();
    run.exit_code = exit_code;
    WriteLastRun(call.home, job.source, run);
  };
  try {
    program::GlobalOptions global = call.options;
    global.source = job.source;
    if (!job.config.empty()) global.config = job.config;
    os::Environment environment = call.environment;
    Prepare(job, &environment);
    // Another one than the caller's: as the job's directory and variables have it.
    const config::Config config(
        {.config = global.config, .source = global.source, .home = call.home, .environment = environment});
    const program::Invocation own{global,      environment,    call.home,  call.progress,
                                  call.output, call.interrupt, call.style, config};
    const auto run_all = [&] { return RunWithRetries(own, options, command); };
    const int exit_code = options.around ? options.around(own, run_all) : run_all();
    note_end(exit_code);
    return exit_code;
  } catch (const Error& error) {
    run.message = error.what();
    run.hint = error.hint();
    note_end(static_cast<int>(call.interrupt.requested() ? ErrorCode::kInterrupted : error.code()));
    throw;
  } catch (const std::exception& error) {
    run.message = error.what();
    note_end(static_cast<int>(ErrorCode::kBug));
    throw;
  }
}

}  // namespace rotv::schedule
