// The variables of the process's environment, as data: everything that reads them is given them.

#pragma once

#include <map>
#include <string>

namespace rotv::os {

using Environment = std::map<std::string, std::string>;

// Reads it anew. The programs do it once, by TakeEnvironment() of process_environment.h.
Environment ProcessEnvironment();

// The value of `name`; empty where it is not set. A variable set to nothing counts as not set, everywhere.
std::string Variable(const Environment& environment, const std::string& name);

}  // namespace rotv::os
