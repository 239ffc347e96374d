// What a command is to main: a row in its table. Each command has a file of its own.

#pragma once

#include "cli/program/source_command.h"

namespace rotv {

// Each adds its options, description and examples to `app`, its subcommand. What it gives is called after parsing.
SyncCommand DeclareDoctor(CLI::App& app);
SyncCommand DeclareBaseline(CLI::App& app);
SyncCommand DeclarePull(CLI::App& app);
SyncCommand DeclareMaterialize(CLI::App& app);
SyncCommand DeclareStatus(CLI::App& app);
SyncCommand DeclareLog(CLI::App& app);
SyncCommand DeclareGc(CLI::App& app);
SyncCommand DeclareVerify(CLI::App& app);
SyncCommand DeclareDetach(CLI::App& app);
Command DeclareSchedule(CLI::App& app);
Command DeclareMask(CLI::App& app);

// Pulls, and tells of it; takes the baseline first if there is none, and with `rebaseline` also where the slot is lost.
int RunPull(const Session& session, bool rebaseline);

// What baseline and pull both tell of a baseline.
struct BaselineResult;
std::string BaselineText(const BaselineResult& result, const std::string& source_name);
Json BaselineJson(const BaselineResult& result);

}  // namespace rotv
