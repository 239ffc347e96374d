// Pulls from a remote: takes what a machine that follows a server has published.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "storage/lsn.h"
#include "sync/context/context.h"

namespace rotv {

namespace remote {
class RemotePlace;
}

struct FollowResult {
  std::string place;      // For people.
  std::string source;     // What it is called where it is published,
  std::string publisher;  // and by whom.
  Lsn from;
  Lsn to;
  int64_t time_us = 0;  // Of the head, by the source's clock.
  bool up_to_date = false;
  bool whole = false;  // All was taken: there was nothing here that the new steps fit.
  uint64_t transactions = 0;
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t deleted = 0;
  uint64_t versions = 0;
  uint64_t bytes = 0;            // Of the objects that came from the remote,
  uint64_t resumed_bytes = 0;    // and of those that a run before this one, which was broken off, had read.
  bool compaction_owed = false;  // Files of the store should be merged, by Compact().
  double seconds = 0;
};

// What to do about a remote whose head is older than what was taken from it: kRefuse throws kCorrupt, kTake takes it.
enum class OlderHead { kRefuse, kTake };

// Brings the store to what is published at context.source.remote; takes all of it if there is no store, if the steps
// that are missing are gone, or if another baseline is published. A kill at any moment leaves the state before. Throws
// kUsage if nothing is published, or if the store here is that of a server; kUnreachable; kCorrupt if what is published
// is damaged or not what a publisher writes: nothing is taken then.
FollowResult FollowRemote(const Context& context, OlderHead older);

// Looks whether a pull would find anything new, for one request and without reading more than the head.
class RemoteWatch {
 public:
  explicit RemoteWatch(const Context& context);
  ~RemoteWatch();
  RemoteWatch(const RemoteWatch&) = delete;
  RemoteWatch& operator=(const RemoteWatch&) = delete;

  // True unless the head is the one of the last time that was followed by Took(). Throws what RemotePlace throws.
  bool IsNew();
  void Took() { taken_ = seen_; }

 private:
  const Context& context_;
  std::unique_ptr<remote::RemotePlace> place_;
  std::string seen_, taken_;  // Hashes of heads.
};

}  // namespace rotv
