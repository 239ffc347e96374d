// Writes small pieces of a dump's text like pg_dump does. Pure.

#pragma once

#include <string>
#include <string_view>

namespace rotv::formats {

// Writes a literal: quotes are doubled, and backslashes too if they are escapes on the source
// (standard_conforming_strings = off).
std::string DumpLiteral(std::string_view text, bool standard_strings);

// The comment above an object: "-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: -". Line breaks in a name
// become spaces, so that they do not end the comment.
struct DumpComment {
  std::string_view prefix;  // "Data for "
  std::string_view name;
  std::string_view type;
  std::string_view schema;
};
std::string DumpCommentText(const DumpComment& comment);

}  // namespace rotv::formats
