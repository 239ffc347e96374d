// The files that AWS's own tools are set up with: ~/.aws/credentials and ~/.aws/config.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "os/environment.h"

namespace rotv::remote {

// The settings of a profile by their names: "region", "aws_access_key_id" …
using AwsProfile = std::map<std::string, std::string>;

// Reads the profile that AWS_PROFILE names, else "default", from the files that AWS_SHARED_CREDENTIALS_FILE and
// AWS_CONFIG_FILE name, else those in HOME. What both have is taken from the first one. Empty if there is no such file.
// Throws kUsage if AWS_PROFILE names a profile that no file has, or if a file cannot be read.
AwsProfile ReadAwsProfile(const os::Environment& environment);

// Adds the settings of a section of such a file to `profile`, unless it has them; returns true if there is that
// section. Pure. `text` may be anything.
bool AddSection(std::string_view text, std::string_view section, AwsProfile* profile);

}  // namespace rotv::remote
