// What an application wants to be told, as its .env.example says:
//
//   NAME=value             must be set
//   NAME=                  may be missing
//   # optional ...
//   NAME=value             may be missing: the comment stands right above
//   # NAME=value           may be missing
//   NAME=change-this-...   a placeholder: must be set, and to something else. So are changeme, replace-..., your-...,
//                          <...>, todo and xxx, in any case
//
// docs/configuration.md tells users.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "os/environment.h"

namespace rotv::launch {

struct WantedVariable {
  std::string name;
  bool required = true;
};

// In the order of the file. Lines that are neither are comments.
std::vector<WantedVariable> ParseEnvExample(std::string_view text);

bool IsPlaceholder(std::string_view value);

struct EnvironmentReport {
  std::vector<std::string> files;         // Read, as they were found: ".env", "backend/.env".
  std::vector<std::string> examples;      // Likewise; empty: there is nothing to check against.
  std::vector<std::string> missing;       // Required and nowhere set.
  std::vector<std::string> placeholders;  // Left as in the example, required or not.
  std::vector<std::string> optional;      // Not set, and need not be.
  os::Environment variables;              // What the application is given; may hold secrets.

  bool usable() const { return missing.empty() && placeholders.empty(); }
};

// Reads `directory`/.env and then `directory`/backend/.env, or `env_file` instead where it is not empty; the first that
// sets a variable counts, and a variable of the process's environment that an example names counts before both. Throws
// kUsage for a malformed file, with the number of the line, and if `env_file` does not exist.
EnvironmentReport ReadAppEnvironment(const std::filesystem::path& directory, const std::string& env_file,
                                     const os::Environment& environment);

// Throws kUsage unless it is usable: every variable at fault is named, and no value.
void RequireUsable(const EnvironmentReport& report);

}  // namespace rotv::launch
