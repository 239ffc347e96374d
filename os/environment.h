// Environment variables as data. ProcessEnvironment() reads them; code that needs them gets them as an argument.

#pragma once

#include <map>
#include <string>

namespace rotv::os {

using Environment = std::map<std::string, std::string>;

// Reads it again. The programs do it once, by TakeEnvironment() of process_environment.h.
Environment ProcessEnvironment();

// The value of `name`; empty if it is not set. An empty variable counts as not set, everywhere.
std::string Variable(const Environment& environment, const std::string& name);

}  // namespace rotv::os
