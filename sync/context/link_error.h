// LinkError tells a failure of the link from other reasons to try again later.

#pragma once

#include <string>
#include <utility>

#include "storage/error.h"

namespace rotv {

// A kUnreachable for which the link to the source is to blame: it broke, or it could not be made. Other errors with
// that code have their reason on the source (a lock, an open transaction), and a new connection would not help.
class LinkError : public Error {
 public:
  enum class Kind {
    kBroke,    // A connection that worked has ended or stalled.
    kNotMade,  // None could be made: the host, the port or the network may be wrong or down.
  };

  LinkError(Kind kind, const std::string& message, std::string hint)
      : Error(ErrorCode::kUnreachable, message, std::move(hint)), kind_(kind) {}

  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

}  // namespace rotv
