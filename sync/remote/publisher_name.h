// Who publishes, so that two machines notice each other.

#pragma once

#include <filesystem>
#include <string>

namespace rotv::remote {

// The user, the machine and the home directory: "deploy@db-mirror:/home/deploy/.rotv".
std::string PublisherName(const std::filesystem::path& home);

}  // namespace rotv::remote
