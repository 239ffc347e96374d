// The commands of `rotv-sync`. Each is a row in main's table and has a file of its own.

#pragma once

#include <string>

#include "cli/program/source_command.h"

namespace rotv {

// Each function adds a command's options, description and examples to `app`, its subcommand. The command that it
// returns runs after parsing.
program::SyncCommand DeclareDoctor(CLI::App& app);
program::SyncCommand DeclareBaseline(CLI::App& app);
program::SyncCommand DeclarePull(CLI::App& app);
program::SyncCommand DeclareMaterialize(CLI::App& app);
program::SyncCommand DeclarePublish(CLI::App& app);
program::SyncCommand DeclareStatus(CLI::App& app);
program::SyncCommand DeclareLog(CLI::App& app);
program::SyncCommand DeclareGc(CLI::App& app);
program::Command DeclareCompact(CLI::App& app);
program::SyncCommand DeclareVerify(CLI::App& app);
program::Command DeclareCheck(CLI::App& app);
program::SyncCommand DeclareDetach(CLI::App& app);
program::Command DeclareSchedule(CLI::App& app);
program::Command DeclareSource(CLI::App& app);
program::Command DeclareClean(CLI::App& app);
program::Command DeclareMask(CLI::App& app);
program::Command DeclareKey(CLI::App& app);
program::Command DeclareInit(CLI::App& app);

// Adds --no-retry, which sets `no_retry`: Context::retry's opposite.
CLI::Option* AddNoRetry(CLI::App& app, bool* no_retry);
// "; reconnected 3 times", or nothing.
std::string ReconnectedText(int reconnects);

struct PullFlags {
  bool rebaseline = false;  // Take a new baseline if the slot is lost.
  bool no_retry = false;    // See Context::retry.
  bool follow = false;      // Only of a source that follows a remote.
  int interval_s = 0;       // With `follow`.
};
// Pulls and prints the result. Takes the baseline first if there is none.
int RunPull(const program::Session& session, const PullFlags& flags);
// The same for a source that follows a remote.
int RunPullFromRemote(const program::Session& session, const PullFlags& flags);

// Writes a seed, and its note where the path is the default one; what somebody put there is kept under another name.
struct MaterializeOptions;
struct MaterializeResult;
MaterializeResult WriteSeedAndNote(const program::Session& session, MaterializeOptions options);

// Imports a seed that was written into a scratch server; returns the seconds that it took. Throws what
// launch::CheckSeedImports() does.
double CheckImports(const program::Session& session, const MaterializeResult& result);

// Makes a warm cluster at the new head, by `rotv warm`, if [app] asks for it. Whatever fails is a warning. Throws
// kInterrupted.
void WarmAfterPull(const program::Session& session);

// The report of a new baseline as text and as JSON, for the commands baseline and pull.
struct BaselineResult;
std::string BaselineText(const BaselineResult& result, const std::string& source_name);
output::Json BaselineJson(const BaselineResult& result);

}  // namespace rotv
