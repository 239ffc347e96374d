// Explains a command line that cannot be parsed: which word is wrong, and what it may have been meant to be.

#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "storage/error.h"

namespace rotv::program {

// The last command of the line that `root` has parsed, as far as it got; `root` itself if there is none.
const CLI::App& ChosenCommand(const CLI::App& root);

// The error (kUsage) for what `root` failed with.
Error Explained(const CLI::App& root, const CLI::ParseError& error);

// The error (kUsage) for the name of a command that `app` does not have.
Error NoSuchCommand(const CLI::App& app, const std::string& word);

// The error (kUsage) for a command line that ends with `app`, which needs a command after it.
Error NoCommand(const CLI::App& app);

}  // namespace rotv::program
