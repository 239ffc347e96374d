// The commands of `rotv-sync`. Each is a row in main's table and has a file of its own.

#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/output/output.h"
#include "cli/program/hooks.h"
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
  bool all = false;         // Every source.
};
// What a pull has done.
struct Pulled {
  std::string text;
  output::Json document;
  bool compaction_owed = false;
};
// Pulls, and prints nothing. Takes the baseline first if there is none.
Pulled Pull(const program::Session& session, const PullFlags& flags);
// The same for a source that follows a remote.
Pulled PullFromRemote(const program::Session& session, const PullFlags& flags);
// Pulls, prints, and merges files of the store if many are owed; returns the document.
output::Json PullAndPrint(const program::Session& session, const PullFlags& flags);
// Goes on pulling what is published. Returns once nobody reads what it prints.
void KeepPulling(const program::Session& session, const PullFlags& flags, program::Hooks& hooks);
// Pulls every source, whatever becomes of the others; the exit code is that of the first one that failed.
int PullAll(const program::Session& session, const PullFlags& flags);

// Publishes to the remotes that have publish = true, or to all of this source. A failure is a warning, and the others
// are published all the same. Throws kInterrupted.
enum class PublishTo { kThoseThatAsk, kAll };
void PublishAfterPull(const program::Session& session, PublishTo to, program::Hooks& hooks);

// Writes a seed, and its note where the path is the default one; what somebody put there is kept under another name.
struct MaterializeOptions;
struct MaterializeResult;
MaterializeResult WriteSeedAndNote(const program::Session& session, MaterializeOptions options);

// Imports a seed that was written into a scratch server; returns the seconds that it took. Throws what
// launch::CheckSeedImports() does.
double CheckImports(const program::Session& session, const MaterializeResult& result);

// Makes a warm cluster at the new head, by `rotv warm`, if [app] or the schedule asks for it. Whatever fails is a
// warning. Throws kInterrupted.
enum class Warm { kIfTheConfigSaysSo, kYes };
void WarmAfterPull(const program::Session& session, Warm warm);

// The report of a new baseline as text and as JSON, for the commands baseline and pull.
struct BaselineResult;
std::string BaselineText(const BaselineResult& result, const std::string& source_name);
output::Json BaselineJson(const BaselineResult& result);

}  // namespace rotv
