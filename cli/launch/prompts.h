// Makes psql and the shell show in their prompts which data a started database has, so that it is not mistaken for
// production, nor production for it.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/launch/launch_state.h"
#include "os/environment.h"

namespace rotv::launch {

// "production at 0/1A2B3C0 2026-11-29 10:15", with the snapshot's name in place of the LSN if there is one. For a
// persistent cluster, which is no longer a copy of any point, "persistent"; for a seed that was put there by hand, "a
// seed of 2026-11-29 10:15". One line without control characters.
std::string DataLabel(const LaunchState& state);

// The arguments of psql that put the label in front of its prompts. They change nothing else: with -c and with files
// there is no prompt.
std::vector<std::string> PsqlPromptArguments(std::string_view label);

// The text of a psqlrc that is read in place of `user_file` (empty: none). It reads that file first, so that prompts
// set there do not replace ours.
std::string PsqlrcText(const std::filesystem::path& user_file);

// The psqlrc that psql of `version` ("15.18") would read for this user; empty if there is none.
std::filesystem::path UserPsqlrc(const os::Environment& environment, std::string_view version);

// The text of a bash startup file. It reads ~/.bashrc, then sets the variables that name the database, which ~/.bashrc
// may have changed, and puts the label in front of the prompt.
std::string BashrcText(std::string_view label, const os::Environment& database);

}  // namespace rotv::launch
