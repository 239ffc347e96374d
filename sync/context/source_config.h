// The configuration of one source. Plain data: cli/config reads and checks it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sync/context/mask_rule.h"
#include "sync/context/s3_options.h"
#include "sync/context/signing_key.h"
#include "sync/context/subset_config.h"
#include "sync/context/team_key_config.h"

namespace rotv {

// HistoryConfig says how much of the history is kept.
struct HistoryConfig {
  int keep_days = 7;  // Every state of these days before the head is kept.
  // A pull drops older history when the store is larger than this; 0: never; nullopt: a computed limit.
  std::optional<uint64_t> limit_bytes = {};
};

// What becomes of foreign keys to rows that `exclude` or a masking rule leaves out.
enum class MissingReferences {
  kRefuse,    // They are an error.
  kNotValid,  // A seed makes them NOT VALID.
};

// Whether a remote host compresses what it sends through SSH.
enum class Compress { kNever, kAlways };

struct SourceConfig {
  std::string name;
  bool is_default = true;   // Commands that name no source use this one.
  bool imported = false;    // It came from a file: there is no server to connect to.
  std::string config_file;  // The rotv.toml that has it, absolute; empty if there is none.

  // user@host[:port], or a Host of ~/.ssh/config; empty: no SSH.
  std::string ssh;
  std::string identity;     // A private key's file; empty: agent, then ssh_config, then the usual files.
  std::string known_hosts;  // Empty: libssh's default files.

  std::string container;           // PostgreSQL runs in this container on the remote host; empty: in none.
  std::string runtime = "podman";  // The program that runs that container: podman or docker.

  // The server's address as seen from the remote host (inside the container, if one is named). A host that starts with
  // '/' is a socket directory; an empty one means the usual socket directories there.
  std::string host;
  int port = 5432;
  std::string database;
  std::string user;

  std::string url;  // A libpq URL, instead of ssh; then `container`, `host`, `port`, `database` and `user` are unused.

  Compress compress = Compress::kNever;  // Of no meaning without `ssh`.

  // The source's memory, in MB, for the changes of large transactions while it decodes them; 0: as it is set there.
  int decoding_memory_mb = 0;

  // Where a history is published that is followed in place of a server: a directory, s3://BUCKET/PREFIX,
  // ssh://HOST/PATH or https://…. Then nothing of the server is set.
  std::string remote;
  S3Options s3;              // Of no meaning unless `remote` is s3://….
  std::string remote_query;  // What https://… has after '?': a signature, maybe. Never shown, and stored nowhere.
  TeamKeyConfig remote_key;  // With which what is published there is sealed.
  // Who may have signed what is published there; empty: nobody, and what is signed is refused.
  std::vector<PublicKey> remote_signers;

  // A connection that is silent for this long is given up, unless the server is seen to work on it.
  int stall_timeout_s = 60;

  // How often a pull connects again, without progress in between, after its link broke.
  int retries = 8;

  std::vector<std::string> exclude;  // "schema.table", unquoted: schema only, no rows.
  MissingReferences missing_references = MissingReferences::kRefuse;

  bool trust = false;  // An import may run the schema's code as a superuser of the new database.

  HistoryConfig history;
  MaskConfig mask;
  SubsetConfig subset;
};

}  // namespace rotv
