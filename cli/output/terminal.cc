#include "cli/output/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace rotv::output {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

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

// Returns the first character of `text`, which is not empty.
Character FirstCharacter(std::string_view text) {
  utf8proc_int32_t code = 0;
  const utf8proc_ssize_t bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                                  static_cast<utf8proc_ssize_t>(text.size()), &code);
  if (bytes <= 0) return {1, kNoUtf8};
  return {static_cast<size_t>(bytes), static_cast<uint32_t>(code)};
}

size_t ColumnsOf(const Character& character) {
  if (character.code == kNoUtf8) return 1;  // As the '?' that stands for it.
  return static_cast<size_t>(utf8proc_charwidth(static_cast<utf8proc_int32_t>(character.code)));
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
