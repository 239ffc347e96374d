// Reads an application's .env.example, which says which variables it needs:
//
//   NAME=value             must be set
//   NAME=                  may be missing
//   # optional ...
//   NAME=value             may be missing: the comment is on the line above
//   # NAME=value           may be missing
//   NAME=change-this-...   a placeholder: must be set to another value. changeme, replace-..., your-..., <...>, todo
//   and
//                          xxx are placeholders too, in upper or lower case
//
// docs/configuration.md describes the format for users.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/config/env_file.h"
#include "os/environment.h"

namespace rotv::launch {

struct WantedVariable {
  std::string name;
  bool required = true;
};

// Returns the variables in the order of the file. All other lines are comments.
std::vector<WantedVariable> ParseEnvExample(std::string_view text);

bool IsPlaceholder(std::string_view value);

struct EnvironmentReport {
  std::vector<std::string> files;         // The files that were read: ".env", "backend/.env".
  std::vector<std::string> examples;      // The examples that were read; empty: nothing to check.
  std::vector<std::string> missing;       // Required, and not set anywhere.
  std::vector<std::string> placeholders;  // Still as in the example, required or not.
  std::vector<std::string> optional;      // Not set, and need not be.
  os::Environment variables;              // The application's variables; may hold secrets.

  bool usable() const { return missing.empty() && placeholders.empty(); }
};

// Reads `directory`/.env and then `directory`/backend/.env, or only `env_file` if it is not empty. The first file that
// sets a variable wins, and a variable of the process's environment that an example names wins over both. Throws kUsage
// for a malformed file, with the number of the line, and if `env_file` does not exist.
EnvironmentReport ReadAppEnvironment(const std::filesystem::path& directory, const std::string& env_file,
                                     const os::Environment& environment, const config::EnvFiles& files);

// Throws kUsage unless the report is usable. The message names every variable at fault, and no value.
void RequireUsable(const EnvironmentReport& report);

}  // namespace rotv::launch
