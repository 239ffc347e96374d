// The commands that deal with the history of a source, for both programs.

#pragma once

#include "cli/program/source_command.h"

namespace rotv::command {

// Adds its own commands, their options, descriptions and examples to `app`. What it gives is called after parsing.
program::Command DeclareSnapshot(CLI::App& app);

}  // namespace rotv::command
