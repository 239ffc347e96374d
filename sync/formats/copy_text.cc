#include "sync/formats/copy_text.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "storage/error.h"
#include "sync/formats/byte_words.h"

namespace rotv::formats {
namespace {

// The letter that follows the backslash, for each byte that COPY escapes; 0 for all others. No such byte is part of a
// longer character in the encodings that a server can have.
constexpr std::array<char, 256> kEscapeLetters = [] {
  std::array<char, 256> letters{};
  letters['\b'] = 'b';
  letters['\f'] = 'f';
  letters['\n'] = 'n';
  letters['\r'] = 'r';
  letters['\t'] = 't';
  letters['\v'] = 'v';
  letters['\\'] = '\\';
  return letters;
}();

constexpr std::array<char, 256> kEscapedBytes = [] {
  std::array<char, 256> bytes{};
  for (size_t byte = 0; byte < kEscapeLetters.size(); ++byte) {
    if (kEscapeLetters[byte] != 0) bytes[static_cast<uint8_t>(kEscapeLetters[byte])] = static_cast<char>(byte);
  }
  return bytes;
}();

char EscapeLetter(char byte) { return kEscapeLetters[static_cast<uint8_t>(byte)]; }

// True if any of eight bytes may have to be escaped: if it is a backslash, or less than 0x0E. A false alarm comes only
// from the bytes 0 to 7, which are rare in text; the caller then checks byte by byte.
bool MayNeedEscape(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  // The usual trick: the subtraction sets a byte's high bit only if the byte was smaller, or had it set before.
  uint64_t small = (word - EachByte('\r' + 1)) & ~word;
  uint64_t not_backslash = word ^ EachByte('\\');
  uint64_t backslash = (not_backslash - EachByte(1)) & ~not_backslash;
  return ((small | backslash) & EachByte(0x80)) != 0;
}

// Finds the first byte from `begin` on that has to be escaped; `end` if there is none.
const char* FindSpecial(const char* begin, const char* end) {
  while (true) {
    while (end - begin >= 8 && !MayNeedEscape(begin)) begin += 8;
    const char* stop = end - begin >= 8 ? begin + 8 : end;
    for (; begin != stop; ++begin) {
      if (EscapeLetter(*begin) != 0) return begin;
    }
    if (begin == end) return end;
  }
}

}  // namespace

void AppendCopyEscaped(std::string_view text, std::string* out) {
  const char* end = text.data() + text.size();
  for (const char* run = text.data(); run != end;) {
    const char* special = FindSpecial(run, end);
    out->append(run, special);
    if (special == end) break;
    out->push_back('\\');
    out->push_back(EscapeLetter(*special));
    run = special + 1;
  }
}

void SplitCopyLine(std::string_view line, size_t column_count, std::vector<std::string_view>* fields) {
  fields->clear();
  if (column_count == 0 && line.empty()) return;
  size_t begin = 0;
  // The loop stops at the expected number of fields, so that a broken line cannot make `fields` large.
  while (fields->size() < column_count) {
    size_t tab = line.find('\t', begin);
    if (tab == std::string_view::npos) {
      fields->push_back(line.substr(begin));
      if (fields->size() == column_count) return;
      break;
    }
    fields->push_back(line.substr(begin, tab - begin));
    begin = tab + 1;
  }
  throw Error(ErrorCode::kProtocol, "a row of the source does not have as many fields as its table has columns");
}

void FirstCopyFields(std::string_view line, size_t count, std::vector<std::string_view>* fields) {
  fields->clear();
  for (size_t begin = 0; fields->size() < count && begin != std::string_view::npos;) {
    const size_t tab = line.find('\t', begin);
    fields->push_back(line.substr(begin, tab - begin));
    begin = tab == std::string_view::npos ? tab : tab + 1;
  }
  if (fields->size() == count) return;
  throw Error(ErrorCode::kProtocol, "a row has fewer fields than its table has columns");
}

std::string_view UnescapeCopyField(std::string_view field, std::string* scratch) {
  if (field.find('\\') == std::string_view::npos) return field;
  scratch->clear();
  AppendCopyUnescaped(field, scratch);
  return *scratch;
}

void AppendCopyUnescaped(std::string_view field, std::string* out) {
  size_t run = 0;
  for (size_t backslash; (backslash = field.find('\\', run)) != std::string_view::npos;) {
    out->append(field, run, backslash - run);
    const char byte = backslash + 1 < field.size() ? kEscapedBytes[static_cast<uint8_t>(field[backslash + 1])] : '\0';
    if (byte == '\0') throw Error(ErrorCode::kProtocol, "a field of the source has a backslash that COPY never writes");
    out->push_back(byte);
    run = backslash + 2;
  }
  out->append(field, run);
}

}  // namespace rotv::formats
