// What the config says of one source. Plain data; read and checked by the command line's layer.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sync/context/mask_rule.h"

namespace rotv {

// How much of the past is kept.
struct HistoryConfig {
  int keep_days = 7;                         // Every state of these days before the head.
  std::optional<uint64_t> limit_bytes = {};  // Above it a pull forgets what is older; 0: never; nothing: worked out.
};

struct SourceConfig {
  std::string name;
  bool is_default = true;  // Whether it is the one that is worked on where none is named.
  bool imported = false;   // From a file: there is nothing to connect to.

  // By SSH, when not empty: user@host[:port], or a Host of ~/.ssh/config.
  std::string ssh;
  std::string identity;     // A private key's file; empty: agent, then ssh_config, then the usual files.
  std::string known_hosts;  // Empty: libssh's default files.

  std::string container;           // PostgreSQL lives in this container on the far end.
  std::string runtime = "podman";  // What runs that container: podman or docker.

  // As seen from the far end (inside the container, if one is named). A host that starts with '/' is a socket
  // directory; an empty one means the usual socket directory of the far end.
  std::string host;
  int port = 5432;
  std::string database;
  std::string user;

  std::string url;  // A libpq URL, instead of ssh; then `container`, `host`, `port`, `database` and `user` are unused.

  int stall_timeout_s = 60;  // A connection that is silent for so long, and whose server proves no life, is given up.

  std::vector<std::string> exclude;  // "schema.table", unquoted: schema only, no rows.

  bool trust = false;  // An import may run what its schema says as a superuser of the database that it makes.

  HistoryConfig history;
  MaskConfig mask;
};

}  // namespace rotv
