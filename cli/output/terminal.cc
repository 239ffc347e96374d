#include "cli/output/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace rotv::output {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// These are parts of Unicode's tables: the characters that names of tables and messages contain in practice.
constexpr Range kNoColumn[] = {{0x300, 0x36F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}};
constexpr Range kTwoColumns[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},  {0xAC00, 0xD7A3},
                                 {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6},
                                 {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

template <size_t N>
bool IsIn(uint32_t code, const Range (&ranges)[N]) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const Range& range) { return code >= range.first && code <= range.last; });
}

// Characters that reorder, hide or move the text around them: C0 and C1 controls, direction marks, zero-width blanks,
// tags. The two joiners are not among them: some languages cannot be written without them.
constexpr Range kSteering[] = {{0, 0x1F},        {0x7F, 0x9F},      {0x61C, 0x61C},   {0x200B, 0x200B},
                               {0x200E, 0x200F}, {0x2028, 0x202E},  {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
                               {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};

struct Character {
  size_t bytes;
  uint32_t code;  // kNoUtf8 for a byte that is not UTF-8.
};

constexpr uint32_t kNoUtf8 = UINT32_MAX;
constexpr Character kBadByte{1, kNoUtf8};

// Returns the first character of `text`, which is not empty.
Character FirstCharacter(std::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {1, lead};
  size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || length > text.size()) return kBadByte;
  uint32_t code = lead & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return kBadByte;
    code = code << 6 | (byte & 0x3Fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[length] || code > 0x10FFFF || surrogate) return kBadByte;
  return {length, code};
}

size_t ColumnsOf(const Character& character) {
  if (character.code == kNoUtf8) return 1;
  return IsIn(character.code, kNoColumn) ? 0 : IsIn(character.code, kTwoColumns) ? 2 : 1;
}

bool Steers(uint32_t code) { return code == kNoUtf8 || IsIn(code, kSteering); }

// Removes the first character from `text` and appends it to `to`; one that steers is replaced by `replace` of it.
template <class Replace>
void MoveCharacter(std::string_view& text, std::string& to, Replace replace) {
  const Character character = FirstCharacter(text);
  if (Steers(character.code)) {
    to += replace(character.code);
  } else {
    to += text.substr(0, character.bytes);
  }
  text.remove_prefix(character.bytes);
}

std::string QuestionMark(uint32_t) { return "?"; }

bool LocaleIsUtf8(const os::Environment& environment) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value = os::Variable(environment, name);
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

constexpr const char* kPlain = "\x1b[0m";

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

bool IsTerminal(int descriptor, const os::Environment& environment) {
  std::string term = os::Variable(environment, "TERM");
  return isatty(descriptor) == 1 && !term.empty() && term != "dumb";
}

int TerminalWidth(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

TextStyle StyleFor(int descriptor, const os::Environment& environment) {
  bool colour = IsTerminal(descriptor, environment) && os::Variable(environment, "NO_COLOR").empty();
  return {.utf8 = LocaleIsUtf8(environment), .colour = colour};
}

std::string Coloured(std::string_view text, Colour colour, const TextStyle& style) {
  if (!style.colour) return std::string(text);
  return EscapeOf(colour) + std::string(text) + kPlain;
}

size_t DisplayWidth(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    Character character = FirstCharacter(text);
    columns += ColumnsOf(character);
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
    if (columns + ColumnsOf(character) > width - 1) break;
    columns += ColumnsOf(character);
    bytes += character.bytes;
  }
  return std::string(text.substr(0, bytes)) + (style.utf8 ? "…" : "~");
}

std::string OneLine(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const char c = text[0];
    if (c != '\n' && c != '\r' && c != '\t' && c != ' ') {
      MoveCharacter(text, line, QuestionMark);
      continue;
    }
    if (!line.empty() && line.back() != ' ') line += ' ';  // An indented second line becomes one blank.
    text.remove_prefix(1);
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string TerminalText(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    size_t keep = text[0] == '\n' || text[0] == '\t' ? 1 : 0;
    for (const char* escape : {kPlain, EscapeOf(Colour::kGreen), EscapeOf(Colour::kYellow), EscapeOf(Colour::kRed),
                               EscapeOf(Colour::kFaint)}) {
      if (text.starts_with(escape)) keep = std::string_view(escape).size();
    }
    safe += text.substr(0, keep);
    text.remove_prefix(keep);
    if (keep == 0) MoveCharacter(text, safe, QuestionMark);
  }
  return safe;
}

std::string TerminalJson(std::string_view text) {
  std::string safe;
  const auto escaped = [](uint32_t code) -> std::string {
    if (code == kNoUtf8) return "?";
    if (code < 0x10000) return fmt::format("\\u{:04x}", code);
    code -= 0x10000;
    return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF));
  };
  while (!text.empty()) {
    const bool keep = text[0] == '\n' || text[0] == '\t';  // White space between the values.
    if (keep) {
      safe += text[0];
      text.remove_prefix(1);
    } else {
      MoveCharacter(text, safe, escaped);
    }
  }
  return safe;
}

}  // namespace rotv::output
