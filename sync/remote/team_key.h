// The key of a team: what is published under it can be neither read nor made without it.
//
// Whoever may read the remote still sees how many objects there are, how large they are, and when they came.

#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "sync/context/team_key_config.h"

namespace rotv::remote {

class TeamKey {
 public:
  // Says what bytes are, so that one cannot be put in place of another.
  enum class Role { kHead, kObject };

  // A new key, as text in one line: it is what the constructor takes.
  static std::string NewText();

  // Throws kUsage, without any part of the text, if it is no key; `place` is for messages.
  TeamKey(std::string_view text, const std::string& place);
  ~TeamKey();
  TeamKey(const TeamKey&) = default;
  TeamKey& operator=(const TeamKey&) = default;

  // Encrypts and authenticates (XChaCha20-Poly1305). The same bytes are always sealed in the same way, so that what a
  // killed publisher has left is used by the next one; nobody else can tell what they are.
  std::string Seal(Role role, std::string_view bytes) const;
  // The reverse; nullopt if it was not sealed with this key in this role, or was changed.
  std::optional<std::string> Open(Role role, std::string_view sealed) const;

 private:
  using Key = std::array<unsigned char, 32>;
  const Key& KeyOf(Role role) const { return role == Role::kHead ? head_ : object_; }

  Key head_{}, object_{}, nonce_{};
};

// Reads the key; nullopt if the config names none. Throws kUsage if there is none in its place, or if the file can be
// read by others.
std::optional<TeamKey> ReadTeamKey(const TeamKeyConfig& config);

}  // namespace rotv::remote
