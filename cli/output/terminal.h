// Finds out what a stream can show, and lays out text for it.

#pragma once

#include <string>
#include <string_view>

#include "os/environment.h"

namespace rotv::output {

// Features that results and messages may use besides plain ASCII.
struct TextStyle {
  bool utf8 = false;
  bool colour = false;
};

enum class Colour { kGreen, kYellow, kRed, kFaint };

// True if `descriptor` is a terminal on which lines can be redrawn and coloured (TERM is set, and is not "dumb").
bool IsTerminal(int descriptor, const os::Environment& environment);

// Columns of the terminal; 80 if it does not say.
int TerminalWidth(int descriptor);

// Allows symbols beyond ASCII if the locale's encoding is UTF-8, and colour on a terminal unless NO_COLOR is set.
TextStyle StyleFor(int descriptor, const os::Environment& environment);

// Returns `text` in `colour`, or unchanged if the style has no colour.
std::string Coloured(std::string_view text, Colour colour, const TextStyle& style);

// The columns that UTF-8 text takes on a terminal: wide characters take two, combining ones none.
size_t DisplayWidth(std::string_view text);

// Add blanks after or before `text` until it takes `width` columns.
std::string PadRight(std::string_view text, size_t width);
std::string PadLeft(std::string_view text, size_t width);

// Cuts `text` so that it takes at most `width` columns, with a mark at its end if anything was cut.
std::string CutToWidth(std::string_view text, size_t width, const TextStyle& style);

// Names of tables and messages of servers are not trusted: they could move the cursor, or colour, hide or reorder the
// text around them. The functions below replace everything that steers a terminal: control characters of ASCII and of
// Unicode, direction marks, zero-width blanks, bytes that are not UTF-8. The first two write '?' for it.

// Makes one line: line feeds become blanks, trailing blanks are removed.
std::string OneLine(std::string_view text);

// Makes lines that we laid out safe: keeps line feeds, tabs and the colours of Coloured(). Everything written for
// people goes through it, so that a name that was overlooked does no harm.
std::string TerminalText(std::string_view text);

// Makes a JSON document safe: whatever steers a terminal is written as \uXXXX, which is the same document.
std::string TerminalJson(std::string_view text);

}  // namespace rotv::output
