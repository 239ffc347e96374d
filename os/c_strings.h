// Strings in the form in which exec() and posix_spawn() take them.

#pragma once

#include <string>
#include <vector>

#include "os/environment.h"

namespace rotv::os {

// Returns a pointer to each string, and a null pointer at the end. They are valid while the strings do not change.
inline std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Returns each variable as "NAME=value".
inline std::vector<std::string> Assignments(const Environment& environment) {
  std::vector<std::string> assignments;
  for (const auto& [name, value] : environment) assignments.push_back(name + "=" + value);
  return assignments;
}

}  // namespace rotv::os
