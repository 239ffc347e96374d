// What psql and a shell show in their prompts of a started database: which data it is, so that nobody takes it for
// production, nor production for it.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/launch/launch_state.h"
#include "os/environment.h"

namespace rotv::launch {

// "production at 0/1A2B3C0 2026-11-29 10:15", with the snapshot's name in the place of the LSN where it has one; for a
// persistent cluster, which is nobody's copy any more, "persistent". One line without control characters.
std::string DataLabel(const LaunchState& state);

// Arguments of psql that put the label in front of its prompts. psql's own words stay what they are: -c and files have
// no prompt.
std::vector<std::string> PsqlPromptArguments(std::string_view label);

// The text of a file that is read in the place of `user_file` (empty: none) and reads that first: a psqlrc that sets
// prompts of its own does not take ours away.
std::string PsqlrcText(const std::filesystem::path& user_file);

// The psqlrc that psql of `version` ("15.18") would read for this user; empty if there is none.
std::filesystem::path UserPsqlrc(const os::Environment& environment, std::string_view version);

// The text of a bash startup file: ~/.bashrc, and afterwards again what says where the database is, which ~/.bashrc may
// have set, and the label in front of the prompt.
std::string BashrcText(std::string_view label, const os::Environment& database);

}  // namespace rotv::launch
