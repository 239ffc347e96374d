// A remote of the config. Plain data: cli/config reads and checks it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sync/context/s3_options.h"
#include "sync/context/signing_key.h"
#include "sync/context/subset_config.h"
#include "sync/context/team_key_config.h"

namespace rotv {

// One of [remotes.NAME].
struct RemoteConfig {
  std::string name;
  std::string url;  // As SourceConfig::remote has it.
  S3Options s3;
  std::string identity, known_hosts;  // As SourceConfig has them: of ssh://….
  TeamKeyConfig key = {};
  bool sign = false;                    // What is published is signed with a key of the home (KeyForRemote()).
  std::vector<PublicKey> signers = {};  // As SourceConfig::remote_signers has them.
  std::string source;                   // What is published there; empty: any.
  bool publish = false;                 // A scheduled pull publishes.
  bool require_mask = false;            // Refuse to publish what is not masked under the present rules.
  // Which snapshots are published: names, in which * stands for any characters; nullopt: all.
  std::optional<std::vector<std::string>> snapshots = {};
  bool subset = false;  // What is published is the subset that SourceConfig::subset chooses, as a history of its own.
  std::optional<SubsetConfig> rows = {};  // What is published has only these, likewise: where, sample and exclude.

  bool is_part() const { return subset || rows; }
  int keep_days = 7;  // How long a follower may sleep and still get by with what changed.
};

// True if snapshots of this name are published there.
bool PublishesSnapshot(const RemoteConfig& remote, const std::string& name);

}  // namespace rotv
