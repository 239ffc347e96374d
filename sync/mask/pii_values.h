// What values say of personal data. Pure.

#pragma once

#include <string>
#include <vector>

namespace rotv::mask {

struct Suspicion {
  std::string rule;    // That would mask it, if it fits the type: "email". Empty: nothing is suspected.
  std::string reason;  // For people, never with a value: "its name", "its values (18 of 20 look like phone numbers)".
};

// By a sample of a column's values, in their types' text (a bytea's is its hexadecimal form), each perhaps cut at its
// end: e-mail addresses, also within texts; numbers of phones, cards and bank accounts; addresses of the net; password
// hashes and keys. What is in arrays, row types, documents and bytes is found as well as what a document's members are
// named.
Suspicion SuspectByValues(const std::vector<std::string>& values);

}  // namespace rotv::mask
