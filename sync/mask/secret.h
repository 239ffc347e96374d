// Reads the secret that masked values depend on.

#pragma once

#include <filesystem>
#include <string>

#include "sync/context/context.h"
#include "sync/mask/keyed_hash.h"

namespace rotv::mask {

// Reads `file`; if that is empty, HOME/mask-secret, which is created (0600, durable) if it is missing. The file holds
// 64 hexadecimal digits. Throws kUsage if a file that was named is missing, can be read by others, or holds anything
// else; kDisk.
MaskSecret ReadMaskSecret(const std::filesystem::path& home, const std::string& file);

// Returns the secret of the source's rules, and of those that its store was masked by; zeros if there are neither.
MaskSecret MaskSecretOf(const Context& context);

// Returns an identifier that tells secrets apart; it reveals nothing of the secret.
std::string SecretId(const MaskSecret& secret);

}  // namespace rotv::mask
