// Says in a person's words why a connection or a command could not be had at the far end. Pure.

#pragma once

#include <string>

#include "sync/context/source_config.h"
#include "sync/link/tunnel_channel.h"

namespace rotv::link {

// One line, with what to do about it; empty if nothing was wrong with the way itself (the server answered, or closed
// by itself). `label` names the far end.
std::string ChannelFailure(const ChannelEnd& end, const SourceConfig& source, const std::string& label);

}  // namespace rotv::link
