// The secret that masked values depend on.

#pragma once

#include <filesystem>
#include <string>

#include "sync/context/context.h"
#include "sync/mask/keyed_hash.h"

namespace rotv::mask {

// `file`, or where that is empty HOME/mask-secret, which is made (0600, durable) where it is missing. 64 hexadecimal
// digits. Throws kUsage if a file that was named is missing, can be read by others, or holds anything else; kDisk.
MaskSecret ReadMaskSecret(const std::filesystem::path& home, const std::string& file);

// Of the source's rules, and of those that its store was masked by; nothing where there are none of either.
MaskSecret MaskSecretOf(const Context& context);

// Tells secrets apart; nothing of the secret follows from it.
std::string SecretId(const MaskSecret& secret);

}  // namespace rotv::mask
