// Credentials that a program of the user's prints: the credential_process of an AWS profile.

#pragma once

#include <chrono>
#include <string>

#include "os/environment.h"
#include "sync/context/context.h"
#include "sync/remote/aws_credentials.h"

namespace rotv::remote {

// Runs `command` in a shell and reads what it prints. Throws kRefused if it fails, if it does not end in time, and if
// it prints something else; kInterrupted.
AwsCredentials ProcessCredentials(const std::string& command, const os::Environment& environment,
                                  const Context& context, std::chrono::milliseconds longest = std::chrono::seconds(60));

}  // namespace rotv::remote
