// What a command is to main: a row in its table. Each command has a file of its own.

#pragma once

#include "cli/program/source_command.h"

namespace rotv {

// Each adds its options, description and examples to `app`, its subcommand. What it gives is called after parsing.
program::SyncCommand DeclareDoctor(CLI::App& app);
program::SyncCommand DeclareBaseline(CLI::App& app);
program::SyncCommand DeclarePull(CLI::App& app);
program::SyncCommand DeclareMaterialize(CLI::App& app);
program::SyncCommand DeclareStatus(CLI::App& app);
program::SyncCommand DeclareLog(CLI::App& app);
program::SyncCommand DeclareGc(CLI::App& app);
program::SyncCommand DeclareVerify(CLI::App& app);
program::SyncCommand DeclareDetach(CLI::App& app);
program::Command DeclareSchedule(CLI::App& app);
program::Command DeclareMask(CLI::App& app);

// Pulls, and tells of it; takes the baseline first if there is none, and with `rebaseline` also where the slot is lost.
int RunPull(const program::Session& session, bool rebaseline);

// What baseline and pull both tell of a baseline.
struct BaselineResult;
std::string BaselineText(const BaselineResult& result, const std::string& source_name);
output::Json BaselineJson(const BaselineResult& result);

}  // namespace rotv
