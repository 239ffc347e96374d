// Credentials of the role that a container or a machine in AWS's cloud has, asked for over HTTP within.

#pragma once

#include <optional>

#include "os/environment.h"
#include "sync/context/context.h"
#include "sync/remote/aws_credentials.h"

namespace rotv::remote {

// Gives nullopt if no variable says that this is a container with a role. Throws kRefused if it gives none.
std::optional<AwsCredentials> ContainerRole(const Context& context, const os::Environment& environment);

// Gives nullopt if nothing answers as a machine of AWS's cloud does, within two seconds, or if the machine has no role.
std::optional<AwsCredentials> MachineRole(const Context& context, const os::Environment& environment);

}  // namespace rotv::remote
