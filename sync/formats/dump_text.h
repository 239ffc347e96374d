// Small pieces of a dump's text, as pg_dump writes them. Pure.

#pragma once

#include <string>
#include <string_view>

namespace rotv::formats {

// A literal: quotes doubled; backslashes too where the source takes them for escapes (standard_conforming_strings off).
std::string DumpLiteral(std::string_view text, bool standard_strings);

// The comment above an object: "-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: -". A name in it does not
// end the comment's line.
struct DumpComment {
  std::string_view prefix;  // "Data for "
  std::string_view name;
  std::string_view type;
  std::string_view schema;
};
std::string DumpCommentText(const DumpComment& comment);

}  // namespace rotv::formats
