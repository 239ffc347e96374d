// Tells one run of the machine from another.

#pragma once

#include <string>

namespace rotv::os {

// The same text until the machine is started again, and never again after that. Empty where the kernel does not say.
std::string BootId();

}  // namespace rotv::os
