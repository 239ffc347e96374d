// Judges by their form whether values are personal data. Pure.

#pragma once

#include <string>
#include <vector>

namespace rotv::mask {

struct Suspicion {
  std::string rule;    // The rule that would mask it, if it fits the type: "email". Empty: nothing is suspected.
  std::string reason;  // Text for people, never with a value: "its name", "its values (18 of 20 look like phone
                       // numbers)".
};

// Judges a sample of a column's values, each as its type's text (a bytea's is its hexadecimal form) and perhaps cut off
// at its end. Finds e-mail addresses, also within texts; phone, card and bank account numbers; network addresses;
// password hashes and keys. It also looks into arrays, row types, documents and bytes, and at the names of a document's
// members.
Suspicion SuspectByValues(const std::vector<std::string>& values);

}  // namespace rotv::mask
