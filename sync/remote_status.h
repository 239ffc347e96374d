// Reports what is published in a remote, and how far that and the store here are apart.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/context/context.h"
#include "sync/publish.h"

namespace rotv {

// What a head says.
struct Published {
  std::string source;        // Its name where it is published,
  std::string publisher;     // and by whom: "deploy@db-mirror:/home/deploy/.rotv".
  std::string signed_by;     // The public key; empty: it is not signed.
  int64_t published_us = 0;  // By the publisher's clock.
  uint64_t number = 0;       // Of the publication, in its generation.
  std::string generation;    // The first digits of its name; it is another one with each baseline.
  Lsn baseline;
  int64_t baseline_time_us = 0;  // By the source's clock, as the head's.
  Lsn head;
  int64_t head_time_us = 0;
  uint64_t snapshots = 0;
  // What whoever has nothing takes: the base, which is that of a publication, and the steps after it.
  uint64_t base_number = 0;
  uint64_t base_bytes = 0;
  uint64_t whole_bytes = 0;
  uint64_t whole_objects = 0;
  struct Level {
    uint64_t publications = 0;  // A step leads over so many.
    uint64_t steps = 0;
    uint64_t bytes = 0;
  };
  std::vector<Level> levels;     // All steps that are kept for whoever is behind, the shortest first.
  uint64_t retired_objects = 0;  // Nobody begins to read them any more; they stay for a time of grace.
  uint64_t retired_bytes = 0;
};

struct PublicationStatus {
  std::string place;                   // For people.
  std::optional<Published> published;  // Nothing is published there yet: nullopt.
  Lsn here;                            // The head of this store.
  int64_t here_time_us = 0;
  // The key by which this home signs what it publishes there; empty: it does not, or has none yet.
  std::string public_key;
  bool signs = false;
  bool is_ours = false;       // This machine, with this home, published last, and signed it if it signs.
  bool same_history = false;  // What is published has the baseline that this store has.
  bool is_subset = false;     // What is to be published is one, which has a store of its own
  uint64_t subset_bytes = 0;  // of this size,
  std::string section;        // and rows as this section of the config says: "[subset]", "[remotes.team]".
  uint64_t transactions = 0;  // Those that are here and not published; all, if it is not the same history.
};
// What is published at `remote`, and what of this store is not. Throws kUsage if there is no store; kUnreachable,
// kCorrupt, and what RemotePlace throws.
PublicationStatus StatusOfPublication(const Context& context, const RemoteConfig& remote);

struct FollowingStatus {
  std::string place;  // For people.
  Published published;
  bool has_store = false;
  bool needs_all = false;     // The next pull takes everything: no step goes on from what is here.
  uint64_t publications = 0;  // How many the store here is behind; 0 if it needs all.
  uint64_t bytes = 0;         // What the next pull takes.
};
// What is published at context.source.remote, and what of it is not here. Throws as StatusOfPublication() does, and
// kUsage if nothing is published yet.
FollowingStatus StatusOfRemote(const Context& context);

}  // namespace rotv
