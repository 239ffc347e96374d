// What columns look as if they held personal data.

#pragma once

#include <string>
#include <vector>

#include "sync/mask/masker.h"

namespace rotv {

struct Suspicion {
  std::string rule;    // That would mask it: "email". Empty: nothing is suspected.
  std::string reason;  // For people: "its name".
};

// By the column's name and type alone.
Suspicion SuspectByName(const MaskColumn& column);

// By what values look like, of which there are a few at least: e-mail addresses, phone numbers, card numbers, tokens,
// addresses of the net.
Suspicion SuspectByValues(const std::vector<std::string>& values);

}  // namespace rotv
