// The text of a new rotv.toml.

#pragma once

#include <string>

#include "sync/context/source_config.h"

namespace rotv::config {

// A file with this one source, of which only the place is written (ssh, container, url, remote …), and comments that
// say what else may be in it. It can be read by Config as it stands.
std::string NewConfigText(const SourceConfig& source);

}  // namespace rotv::config
