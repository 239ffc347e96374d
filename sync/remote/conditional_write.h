// Whether an S3 store replaces an object only if it still is the one that was read (If-Match, If-None-Match: *), and in
// which form it wants that said. Without it two publishers could not notice each other.

#pragma once

#include <optional>
#include <string>

#include "sync/remote/s3_client.h"

namespace rotv::remote {

enum class MatchForm {
  kQuoted,  // If-Match: "0123…", as HTTP has it.
  kBare,    // If-Match: 0123…: Ceph before 20 compares the tag without its quotes.
};

// Tries it on an object of its own, which it removes. Throws kUsage, with the way out, if the store refuses or ignores
// conditions.
MatchForm ProbeConditionalWrites(S3Client& client);

// The header for a head that still has this tag; without one, for a head that does not exist yet.
std::string ConditionFor(const std::string& tag, MatchForm form);

// The answer is kept with the head that was written, as a header of ours, so that each remote is probed once: the name,
// and its value for `address`. A copy of the remote elsewhere has another address, and is probed again.
inline constexpr const char* kMatchHeader = "x-amz-meta-rotv-if-match";
std::string MatchHeaderValue(const S3Address& address, MatchForm form);
// Nullopt if the value does not say it for `address`.
std::optional<MatchForm> ParseMatchHeader(const std::string& value, const S3Address& address);

}  // namespace rotv::remote
