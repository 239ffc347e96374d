// How a row's identity becomes bytes whose order is the order of the rows. Pure.
//
// Every key column is encoded so that no encoding is a prefix of another, one behind the other:
//   integer   8 bytes, big-endian, with the sign bit inverted
//   other     the type's text with 0x00 written as 0x00 0xFF, ended by 0x00 0x01
// A bag's row key is the 128-bit XXH3 of the row's line.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rotv {

// `text` is an integer type's output. Throws kProtocol if it is not a number of 64 bits.
void AppendIntegerKey(std::string_view text, std::string* key);

void AppendTextKey(std::string_view text, std::string* key);

// The way back: the key column with which `*key` begins, which is taken away from it. Throw kCorrupt if there is none.
int64_t TakeIntegerKey(std::string_view* key);
std::string TakeTextKey(std::string_view* key);

// The bag's key of a whole row.
void AppendMultisetKey(std::string_view copy_line, std::string* key);

// Big-endian, so that bytes order as numbers do.
void AppendBigEndian32(uint32_t value, std::string* out);
void AppendBigEndian64(uint64_t value, std::string* out);
uint64_t ReadBigEndian64(const char* bytes);

// The first key behind all that begin with `prefix`; empty if there is none.
std::string AfterPrefix(std::string prefix);

}  // namespace rotv
