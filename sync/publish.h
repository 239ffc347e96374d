// Publishes a source's history, for others who have no access to the source to follow.

#pragma once

#include <cstdint>
#include <string>

#include "storage/lsn.h"
#include "sync/context/context.h"
#include "sync/remote_config.h"

namespace rotv {

struct PublishResult {
  std::string place;  // For people.
  Lsn head;
  uint64_t number = 0;      // Of the publication.
  bool up_to_date = false;  // Nothing was new: nothing below is set.
  bool whole = false;       // Everything was published, not only what is new.
  uint64_t versions = 0;
  uint64_t transactions = 0;
  uint64_t objects = 0;    // Those that were written,
  uint64_t bytes = 0;      // and their size.
  uint64_t removed = 0;    // Objects that nobody needs any more.
  std::string public_key;  // By which followers tell that this home has published it; empty: it is not signed.
  double seconds = 0;
};

enum class TakeOver { kNo, kYes };

// Publishes what is new, beside a run that is at work. A kill at any moment leaves at most objects that nothing names,
// which a later call uses or removes. Throws kUsage if there is no store, if somebody else publishes there (unless
// kYes), if another source is published there, if what is there is not signed with our key, or if `require_mask` is not
// met; kInUse if somebody else published meanwhile; what RemotePlace throws.
PublishResult Publish(const Context& context, const RemoteConfig& remote, TakeOver take_over);

}  // namespace rotv
