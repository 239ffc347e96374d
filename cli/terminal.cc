#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace rotv {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// Not the whole of Unicode's tables: what names of tables and messages hold in practice.
constexpr Range kNoColumn[] = {{0x300, 0x36F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}};
constexpr Range kTwoColumns[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},  {0xAC00, 0xD7A3},
                                 {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6},
                                 {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

template <size_t N>
bool IsIn(uint32_t code, const Range (&ranges)[N]) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const Range& range) { return code >= range.first && code <= range.last; });
}

struct Character {
  size_t bytes;
  size_t columns;
};

// The first character of `text`, which is not empty. A byte that is not UTF-8 counts as one column.
Character FirstCharacter(std::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  size_t length = lead < 0x80 ? 1 : lead >= 0xF0 && lead < 0xF8 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (length == 1 || lead >= 0xF8 || length > text.size()) return {1, 1};
  uint32_t code = lead & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return {1, 1};
    code = code << 6 | (byte & 0x3Fu);
  }
  return {length, IsIn(code, kNoColumn) ? size_t{0} : IsIn(code, kTwoColumns) ? size_t{2} : size_t{1}};
}

bool LocaleIsUtf8(const Environment& environment) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value = Variable(environment, name);
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

const char* EscapeOf(Colour colour) {
  switch (colour) {
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kFaint:
      return "\x1b[2m";
  }
  return "";
}

std::string Blanks(std::string_view text, size_t width) {
  size_t taken = DisplayWidth(text);
  return std::string(taken < width ? width - taken : 0, ' ');
}

}  // namespace

bool IsTerminal(int descriptor, const Environment& environment) {
  std::string term = Variable(environment, "TERM");
  return isatty(descriptor) == 1 && !term.empty() && term != "dumb";
}

int TerminalWidth(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

TextStyle StyleFor(int descriptor, const Environment& environment) {
  bool colour = IsTerminal(descriptor, environment) && Variable(environment, "NO_COLOR").empty();
  return {.utf8 = LocaleIsUtf8(environment), .colour = colour};
}

std::string Coloured(std::string_view text, Colour colour, const TextStyle& style) {
  if (!style.colour) return std::string(text);
  return EscapeOf(colour) + std::string(text) + "\x1b[0m";
}

size_t DisplayWidth(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    Character character = FirstCharacter(text);
    columns += character.columns;
    text.remove_prefix(character.bytes);
  }
  return columns;
}

std::string PadRight(std::string_view text, size_t width) { return std::string(text) + Blanks(text, width); }
std::string PadLeft(std::string_view text, size_t width) { return Blanks(text, width) + std::string(text); }

std::string CutToWidth(std::string_view text, size_t width, const TextStyle& style) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  size_t columns = 0;
  size_t bytes = 0;
  while (bytes < text.size()) {
    Character character = FirstCharacter(text.substr(bytes));
    if (columns + character.columns > width - 1) break;
    columns += character.columns;
    bytes += character.bytes;
  }
  return std::string(text.substr(0, bytes)) + (style.utf8 ? "…" : "~");
}

std::string OneLine(std::string_view text) {
  std::string line;
  for (char c : text) {
    bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (blank && (line.empty() || line.back() == ' ')) continue;  // An indented second line becomes one blank.
    auto byte = static_cast<unsigned char>(c);
    line += blank ? ' ' : byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace rotv
