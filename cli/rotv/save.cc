// The command save keeps the present state of the started database under a name.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/config/home.h"
#include "cli/launch/launch_state.h"
#include "cli/launch/saved_data.h"
#include "cli/launch/warm_clusters.h"
#include "cli/launch/warm_writer.h"
#include "cli/output/format.h"
#include "cli/rotv/command.h"
#include "os/clock.h"
#include "os/local_command.h"
#include "os/pipe.h"
#include "os/run_program.h"
#include "storage/error.h"
#include "storage/handle.h"
#include "storage/write_all.h"
#include "sync/describe_point.h"
#include "sync/snapshots.h"

namespace rotv {
namespace {

// The name must be free wherever --snapshot looks for it.
void RequireFreeName(const program::Invocation& call, const std::string& name) {
  CheckNewSnapshotName(name);
  launch::RequireNotSaved(call.home, name);
  for (const SourceConfig& source : call.config.Sources()) {
    const Context context{source, call.home, call.progress, call.interrupt};
    if (!HasSnapshot(context, name)) continue;
    throw Error(ErrorCode::kUsage, fmt::format("{} has a snapshot named {}", source.name, name),
                "another name: --snapshot takes both");
  }
}

// What the saved data was made from.
launch::WarmState SavedState(const program::Invocation& call, const std::string& name,
                             const launch::LaunchState& started) {
  launch::WarmState state;
  for (const launch::WarmCluster& cluster : launch::WarmClusters(call.home).All()) {
    const bool is_it = cluster.state.kind == launch::WarmKind::kSaved && cluster.state.saved_as == started.saved;
    if (!started.saved.empty() && is_it) state = cluster.state;
  }
  if (started.saved.empty() && !started.source.empty()) {
    const SourceConfig source = call.config.Source(started.source);
    const PointDescription described = DescribePoint({source, call.home, call.progress, call.interrupt}, started.lsn);
    state.point = described.point;
    state.facts = described.facts;
  }
  state.kind = launch::WarmKind::kSaved;
  state.saved_as = name;
  state.pinned.clear();
  return state;
}

uint64_t DatabaseBytes(const program::Invocation& call, const launch::Runtime& runtime) {
  constexpr const char* kSize = "SELECT sum(pg_catalog.pg_database_size(oid)) FROM pg_catalog.pg_database";
  const os::ProgramResult answer =
      os::RunProgramQuietly(runtime.PsqlCommand({"-XAtq", "-c", kSize}, false), call.interrupt);
  uint64_t bytes = 0;
  std::from_chars(answer.out.data(), answer.out.data() + answer.out.size(), bytes);
  if (answer.exit_status == 0 && bytes > 0) return bytes;
  throw Error(ErrorCode::kCannotStart, fmt::format("the database does not answer: {}", os::LastLine(answer.err)),
              "rotv logs");
}

// Has the entrypoint send its cluster, and writes its files. Returns for which server it is.
std::string ReceiveCluster(const program::Invocation& call, const launch::Runtime& runtime,
                           launch::WarmWriter& writer) {
  os::Pipe pipe = os::MakePipe();
  const Interrupt& interrupt = call.interrupt;
  std::future<bool> received =
      std::async(std::launch::async, [&writer, &interrupt, end = std::move(pipe.read_end)]() mutable {
        const FileDescriptor own = std::move(end);  // Closed when this ends: a writer then does not wait.
        const bool complete = writer.Receive(own.get(), interrupt);
        launch::DrainPipe(own.get(), interrupt);  // A tar ends with zeros that mean nothing.
        return complete;
      });
  os::CommandResult asked;
  std::exception_ptr problem;
  try {
    asked = os::RunLocalCommand(
        {.argv = runtime.RequestCommand("save"), .env = {}, .password = {}},
        [&](std::string_view piece) {
          if (WriteAll(pipe.write_end.get(), piece) != 0) throw Error(ErrorCode::kDisk, "the files cannot be written");
        },
        interrupt);
  } catch (...) {
    problem = std::current_exception();
  }
  pipe.write_end = FileDescriptor();
  const bool complete = received.get();  // What it throws explains what the command met.
  if (problem) std::rethrow_exception(problem);
  if (asked.exit_status != 0) {
    throw Error(ErrorCode::kCannotStart,
                fmt::format("the database cannot be saved: {}", os::LastLine(asked.stderr_text)),
                "rotv logs says more");
  }
  if (!complete) {
    throw Error(ErrorCode::kDisk, "the database cannot be saved: its files cannot be written",
                "is there room in the home directory? rotv-sync clean shows what can be freed");
  }
  return os::LastLine(asked.stderr_text);
}

// What was started, if its state can be saved.
launch::LaunchState StateToSave(const launch::Project& project) {
  const std::optional<launch::LaunchState> state = launch::ReadLaunchState(project.place);
  if (!state || !state->ready) {
    throw Error(ErrorCode::kUsage, "the application has not been started completely", "rotv start");
  }
  if (state->persistent) {
    throw Error(ErrorCode::kUsage, "its data is persistent: it stays where it is, and is not saved under a name",
                "rotv start without --persistent, change it, then rotv save");
  }
  return *state;
}

std::unique_ptr<launch::WarmWriter> BeginSaved(const launch::WarmClusters& clusters, uint64_t bytes) {
  std::unique_ptr<launch::WarmWriter> writer = clusters.Begin(bytes);
  if (writer) return writer;
  throw Error(ErrorCode::kDisk,
              fmt::format("there is no room for {} in {}", output::HumanBytes(bytes), clusters.directory().native()),
              "rotv-sync clean shows what can be freed; rotv warm --list has the warm clusters");
}

int RunSave(const program::Invocation& call, const RuntimeOption& option, const std::string& name) {
  const auto start = std::chrono::steady_clock::now();
  RequireFreeName(call, name);
  config::OpenHome(call.home);
  const launch::Project project = ProjectOf(call, option);
  const config::AppConfig app = AppToActOn(call, project);
  const std::unique_ptr<launch::Runtime> runtime = RunningRuntime(call, option, app, project);
  const launch::LaunchLock lock(project.place);
  const launch::LaunchState state = StateToSave(project);
  const launch::WarmState saved = SavedState(call, name, state);
  const launch::WarmClusters clusters(call.home);
  const uint64_t bytes = DatabaseBytes(call, *runtime);
  const std::unique_ptr<launch::WarmWriter> writer = BeginSaved(clusters, bytes);
  const std::string server = ReceiveCluster(call, *runtime, *writer);
  writer->Publish({.source = state.source, .database = state.database}, saved, server);
  const double seconds = os::SecondsSince(start);

  output::Json document{{"name", name}, {"bytes", bytes}, {"source", state.source}, {"lsn", state.lsn}};
  document["source_time"] = state.data_time_us > 0 ? output::Json(output::IsoTime(state.data_time_us)) : output::Json();
  document["seconds"] = seconds;
  call.output.Result(
      fmt::format(
          "Saved as {0} in {1}, {2}: no state of production, but what is in the started database.\n"
          "The server was stopped for that time; the application's connections were cut.\n"
          "rotv start --snapshot {0} starts on it, rotv run --fresh --snapshot {0} -- COMMAND has a clone of it.\n",
          name, output::HumanDuration(seconds), output::HumanBytes(bytes)),
      document);
  return 0;
}

}  // namespace

program::Command DeclareSave(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Keep the present state of the started database under a name");
  app.footer(
      "It is no state that production had: test data of your own. It stays until rotv warm --remove NAME.\n"
      "rotv start --replace --snapshot NAME and rotv run --fresh --snapshot NAME begin with it.\n\n"
      "Examples:\n"
      "  rotv save with-fixtures");
  auto name = std::make_shared<std::string>();
  app.add_option("name", *name, "Its name: none that a snapshot has")->required()->type_name("NAME");
  return {[name, &runtime](const program::Invocation& call) { return RunSave(call, runtime, *name); }, nullptr};
}

}  // namespace rotv
