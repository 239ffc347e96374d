// Explains to the user why a connection or a command on the remote host failed. Pure.

#pragma once

#include <string>

#include "storage/error.h"
#include "sync/context/source_config.h"
#include "sync/link/tunnel_channel.h"

namespace rotv::link {

// One line with the reason and what to do about it; empty if the link itself worked (the server answered, or closed the
// connection by itself). `label` names the remote host.
std::string ChannelFailure(const ChannelEnd& end, const SourceConfig& source, const std::string& label);

// The error for a command that ended before it began (ChannelEnd::not_begun): kRefused.
Error NotBegun(const ChannelEnd& end, const SourceConfig& source, const std::string& label);

inline constexpr const char* kNoCommandsHint =
    "pg_dump has to run there: give this login an ordinary shell, without ForceCommand in sshd_config and command= in "
    "authorized_keys, or name another login as `ssh` in rotv.toml";

}  // namespace rotv::link
