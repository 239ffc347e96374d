// The commands on a source's history, which both programs have.

#pragma once

#include "cli/program/source_command.h"

namespace rotv::command {

// Adds the subcommands of `snapshot` with their options, descriptions and examples to `app`. The command that it
// returns runs after parsing.
program::Command DeclareSnapshot(CLI::App& app);

}  // namespace rotv::command
