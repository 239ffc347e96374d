// What is around the content of a head: which form it has, a hash against damage, and a signature.
// storage/REMOTE.md describes the bytes.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/context/signing_key.h"

namespace rotv::remote {

struct HeadFrame {
  bool is_sealed = false;           // The content is sealed with a team's key, whichever.
  std::optional<PublicKey> signer;  // The signature is of this key, and fits; nullopt: there is none.
  std::string_view content;         // It points into the bytes that were opened.
};

enum class Sealed { kNo, kYes };

// Signed with `key`, if that is not null.
std::string FrameHead(std::string_view content, Sealed sealed, const SigningKey* key);

// Throws kCorrupt if the head that `place` (for messages) has is damaged, or if its signature does not fit; kUsage if
// it is of a newer program.
HeadFrame OpenFrame(std::string_view bytes, const std::string& place);

// Throws unless the head is signed by one of `trusted`, or neither is it signed nor is anybody named. Throws also as
// OpenFrame() does. kUsage: it is signed, and nobody is named. kCorrupt: it is not signed, or by somebody else.
void RequireSigner(std::string_view bytes, const std::string& place, const std::vector<PublicKey>& trusted);

// Throws kCorrupt, saying what to do.
[[noreturn]] void ThrowDamagedHead(const std::string& place, const std::string& what);

// True if nothing has damaged these bytes since FrameHead() has made them.
bool IsIntactHead(std::string_view bytes);

}  // namespace rotv::remote
