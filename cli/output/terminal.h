// What the streams can show, and text laid out for them.

#pragma once

#include <string>
#include <string_view>

#include "os/environment.h"

namespace rotv::output {

// How results and messages may look.
struct TextStyle {
  bool utf8 = false;
  bool colour = false;
};

enum class Colour { kGreen, kYellow, kRed, kFaint };

// Whether `descriptor` is a terminal on which lines can be redrawn and coloured (TERM is set, and not to "dumb").
bool IsTerminal(int descriptor, const os::Environment& environment);

// Columns of the terminal; 80 where it does not say.
int TerminalWidth(int descriptor);

// Symbols beyond ASCII where the locale's encoding is UTF-8; colour on a terminal, unless NO_COLOR is set.
TextStyle StyleFor(int descriptor, const os::Environment& environment);

// `text` in `colour`, or as it is where the style has none.
std::string Coloured(std::string_view text, Colour colour, const TextStyle& style);

// Columns that UTF-8 text takes on a terminal: wide characters take two, combining ones none.
size_t DisplayWidth(std::string_view text);

// `text` with blanks behind it until it takes `width` columns.
std::string PadRight(std::string_view text, size_t width);
std::string PadLeft(std::string_view text, size_t width);

// `text`, cut so that it takes at most `width` columns, with a mark at its end if anything was cut.
std::string CutToWidth(std::string_view text, size_t width, const TextStyle& style);

// Names of tables and messages of servers come from elsewhere: whoever chose them could move the cursor, colour, hide
// or reorder what stands around them. What steers a terminal (control characters of ASCII and of Unicode, marks of
// direction, blanks of no width, bytes that are no UTF-8) becomes '?' in all of these.

// One line: line ends become blanks, trailing ones go.
std::string OneLine(std::string_view text);

// Lines laid out by us: keeps line ends, tabs and what Coloured() writes. For everything that is written for people, so
// that a name that was overlooked does no harm.
std::string TerminalText(std::string_view text);

// A JSON document: what steers a terminal is written as \uXXXX, which is the same document.
std::string TerminalJson(std::string_view text);

}  // namespace rotv::output
