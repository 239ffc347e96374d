// Knows the letters that have two cases. Pure.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rotv::mask {

// A letter of an alphabet in which every letter has exactly one lower and one upper case, each other's under the
// lower() and upper() of every locale but the Turkic ones.
struct CasedLetter {
  uint32_t alphabet = 0;  // Its first lower-case letter.
  uint32_t letter = 0;    // From 0 on.
  uint32_t letters = 0;   // How many the alphabet has.
  bool upper = false;
};

// Returns the letter of a code point; nothing if it is no such letter. The alphabets never change, whatever Unicode
// adds: values that were masked with them are stored.
std::optional<CasedLetter> CasedLetterOf(uint32_t code);

// Returns the code point of a letter.
uint32_t CodeOf(const CasedLetter& letter);

// True if an alphabet has letters in the block of 128 code points that `code` is in.
bool HasCasedLetters(uint32_t code);

// Decodes the character at the beginning of `text`, which is not empty, as UTF-8. Returns its length in bytes; 0 if it
// is ASCII or no UTF-8.
size_t DecodeUtf8(std::string_view text, uint32_t* code);

// Appends a code point from 0x80 on.
void AppendUtf8(uint32_t code, std::string* out);

// The effect of the database's lower(). In some locales the lower case of I is not i, and in other encodings than UTF-8
// we cannot tell.
enum class Lowering { kUnknown, kAscii, kUnicode };

// Returns `text` in lower case: ASCII letters, and with kUnicode those that CasedLetterOf() knows.
std::string LowerCase(std::string_view text, Lowering lowering);

}  // namespace rotv::mask
