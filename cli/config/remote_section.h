// Reads [remotes.NAME] of rotv.toml.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/config/config_values.h"
#include "sync/context/s3_options.h"
#include "sync/publish.h"

namespace rotv::config {

// Throws kUsage, naming file and line.
std::map<std::string, RemoteConfig> ReadRemotes(const toml::table& table, const ConfigValues& values);

// Returns where the key of a remote is: a file, "~/.rotv/team.key", or a variable, "$ROTV_TEAM_KEY". Nothing is read.
TeamKeyConfig TeamKeyOf(const std::string& text, const ConfigValues& values);

// Returns the public keys that `public_key` names: one, or a list; each itself, or a file that holds it.
std::vector<PublicKey> PublicKeysOf(const toml::key& key, const toml::node& node, const ConfigValues& values);

// Returns what a URL of a remote means: itself for s3://, ssh://, https:// and, on this machine, http://; else the
// directory, absolute or relative to the working directory: "/srv/history", "~/history", "file:///srv/history". Throws
// kUsage at `key` if it is anything else, or has a password in it.
std::string RemoteUrl(const toml::key& key, const std::string& url, const ConfigValues& values);

// The keys that say how an S3 store is reached. Returns false if `key` is none of `known`. Throws kUsage.
enum class S3Keys { kOfReader, kOfPublisher };
const std::vector<std::string>& NamesOf(S3Keys known);
bool ReadS3Key(const toml::key& key, const toml::node& node, S3Keys known, const ConfigValues& values, S3Options* s3);

// Throws kUsage if `table` has such keys, but `url` is not in an S3 store.
void RequireS3(const toml::table& table, const std::string& url, const ConfigValues& values);

// The same for the keys of a host that is reached by SSH.
void RequireSsh(const toml::table& table, const std::string& url, const ConfigValues& values);

// Throws kUsage, saying where they belong, if `key` would hold a credential.
void FailOnCredential(const toml::key& key, const ConfigValues& values);

}  // namespace rotv::config
