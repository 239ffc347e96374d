#include "sync/formats/row_check.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

#include "storage/error.h"
#include "sync/formats/byte_words.h"

// Every byte of every row passes through here, so the check works on eight bytes at a time: one test for control
// characters, one for backslashes, one count of tabs. Only a word with a backslash or a control character other than
// tab is examined byte by byte, and only a line with a byte from 0x80 on is checked for its encoding. Checking rows
// when a seed is written would cost the same for each seed, and would leave diffs and exports unchecked.

namespace rotv::formats {
namespace {

constexpr uint64_t kHighBits = EachByte(0x80);
constexpr uint64_t kLowBits = EachByte(0x7F);

// Sets the high bit of each byte that is zero. The result is exact, since nothing carries from one byte to the next.
constexpr uint64_t ZeroBytes(uint64_t word) { return ~(((word & kLowBits) + kLowBits) | word | kLowBits); }
// Sets the high bit of each byte below 0x0E.
constexpr uint64_t SmallBytes(uint64_t word) {
  return ~((word & kLowBits) + EachByte(0x80 - 0x0E)) & ~word & kHighBits;
}

// True for bytes that COPY TO always writes as an escape, and for zero, which no text has. A tab separates fields.
constexpr bool IsForbidden(uint8_t byte) { return byte == 0 || (byte >= '\b' && byte <= '\r' && byte != '\t'); }

// Checks the backslashes of a line, in order.
class Escapes {
 public:
  explicit Escapes(std::string_view line) : line_(line) {}

  // False if the backslash at `at` begins no escape that COPY TO writes.
  bool Take(size_t at) {
    if (at < next_) return true;  // The second of a pair.
    next_ = at + 2;
    if (next_ > line_.size()) return false;
    const char letter = line_[at + 1];
    if (letter != 'N') return std::string_view("bfnrtv\\").find(letter) != std::string_view::npos;
    return (at == 0 || line_[at - 1] == '\t') && (next_ == line_.size() || line_[next_] == '\t');
  }

 private:
  std::string_view line_;
  size_t next_ = 0;
};

}  // namespace

void RowCheck::Throw(const char* what) const {
  throw Error(ErrorCode::kProtocol, fmt::format("a row of {} {}", form_.table, what),
              "the row was not stored; check what is between this machine and the source");
}

void RowCheck::Line(std::string_view line) const {
  Escapes escapes(line);
  size_t tabs = 0;
  uint64_t high = 0;
  auto look = [&](size_t begin, size_t end) {
    for (size_t at = begin; at != end; ++at) {
      const auto byte = static_cast<uint8_t>(line[at]);
      if (IsForbidden(byte)) Throw("contains a control character that COPY never writes");
      if (byte == '\\' && !escapes.Take(at)) Throw("contains a backslash that COPY never writes");
    }
  };
  size_t at = 0;
  for (uint64_t word; line.size() - at >= sizeof word; at += sizeof word) {
    std::memcpy(&word, line.data() + at, sizeof word);
    high |= word;
    const uint64_t small = SmallBytes(word);
    const uint64_t backslashes = ZeroBytes(word ^ EachByte('\\'));
    if ((small | backslashes) == 0) continue;  // True for most words of a long field.
    const uint64_t tab_bits = ZeroBytes(word ^ EachByte('\t'));
    tabs += (tab_bits >> 7) * EachByte(1) >> 56;  // Their number: without its instruction, popcount() is a call.
    if (((small ^ tab_bits) | backslashes) != 0) look(at, at + sizeof word);
  }
  look(at, line.size());
  for (; at != line.size(); ++at) {
    tabs += line[at] == '\t' ? 1 : 0;
    high |= static_cast<uint64_t>(static_cast<uint8_t>(line[at]));
  }
  const bool fits = form_.columns == 0 ? line.empty() : tabs + 1 == form_.columns;
  if (!fits) Throw("does not have as many fields as its table has columns");
  if ((high & kHighBits) != 0 && !IsEncoded(form_.encoding, line)) {
    Throw("contains bytes that are not valid in the database's encoding");
  }
}

std::string_view RowCheck::Message(std::string_view message) const {
  if (!message.ends_with('\n')) Throw("came without its newline");
  message.remove_suffix(1);
  Line(message);
  return message;
}

void RowCheck::Tuple(const pgoutput::Tuple& tuple) const {
  if (tuple.size() != form_.columns) Throw("does not have as many columns as its table");
  for (const pgoutput::Column& column : tuple) {
    if (column.text.find('\0') != std::string_view::npos) Throw("contains a zero byte");
    if (!IsEncoded(form_.encoding, column.text)) Throw("contains bytes that are not valid in the database's encoding");
  }
}

}  // namespace rotv::formats
