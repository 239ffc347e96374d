// Encodes a row's identity as bytes whose order is the order of the rows. Pure.
//
// The key columns follow one another; each is encoded so that no encoding is a prefix of another:
//   integer   8 bytes, big-endian, with the sign bit inverted
//   other     the type's text with 0x00 written as 0x00 0xFF, ended by 0x00 0x01
// The row key in a multiset is the 128-bit XXH3 of the row's line.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rotv {

// Appends an integer column; `text` is the type's output. Throws kProtocol if it is not a number of 64 bits.
void AppendIntegerKey(std::string_view text, std::string* key);

void AppendTextKey(std::string_view text, std::string* key);

// Decode the key column with which `*key` begins, and remove it from `*key`. Throw kCorrupt if there is none.
int64_t TakeIntegerKey(std::string_view* key);
std::string TakeTextKey(std::string_view* key);

// Appends the key that a whole row has in a multiset.
void AppendMultisetKey(std::string_view copy_line, std::string* key);

// Big-endian, so that bytes have the order of the numbers.
void AppendBigEndian32(uint32_t value, std::string* out);
void AppendBigEndian64(uint64_t value, std::string* out);
uint64_t ReadBigEndian64(const char* bytes);

// The first key after all keys that begin with `prefix`; empty if there is none.
std::string AfterPrefix(std::string prefix);

}  // namespace rotv
