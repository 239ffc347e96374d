// Explains to the user why a connection or a command on the remote host failed. Pure.

#pragma once

#include <string>

#include "sync/context/source_config.h"
#include "sync/link/tunnel_channel.h"

namespace rotv::link {

// One line with the reason and what to do about it; empty if the link itself worked (the server answered, or closed the
// connection by itself). `label` names the remote host.
std::string ChannelFailure(const ChannelEnd& end, const SourceConfig& source, const std::string& label);

}  // namespace rotv::link
