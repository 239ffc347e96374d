// Takes the text of pg_dump apart, so that rows can be put where pg_dump would have put them. Pure: no I/O.

#pragma once

#include <string>
#include <string_view>

namespace rotv::formats {

struct DumpSections {
  std::string pre_data;   // Header, DROPs and everything before the rows; ends where the rows begin.
  std::string post_data;  // Everything behind the rows, to the end of the dump.
};

// `all` is the output of pg_dump --section=pre-data --section=post-data --clean --if-exists, `post` that of
// --section=post-data, both at one snapshot. Behind its settings `post` is a suffix of `all`, but for paragraphs "SET
// default_tablespace" and "SET default_table_access_method", which pg_dump writes only where the value changes: they
// are taken as `all` has them, since the rows in between change neither. \restrict and \unrestrict (their keys are
// random) are dropped from both. Throws Error(kProtocol) if `post` is no such suffix, or one of them is no complete
// dump.
DumpSections SplitDump(std::string_view all, std::string_view post);

// Where in `pre_data` the DROPs of post-data's objects end: those that pg_dump --section=post-data --clean --if-exists
// writes at the same snapshot are the first in it. Throws Error(kProtocol) if they are not.
size_t FindDrops(std::string_view post_with_drops, std::string_view pre_data);

// What is left of a dump for a comparison: COPY rows sorted bytewise inside each block, without the lines that are
// comments, blank or \restrict. Two dumps are equal if and only if their canonical forms are. Literals, quoted names
// and the bodies of functions are kept as they are, whatever their lines look like. Holds one string_view a row of the
// largest block beside the result.
std::string CanonicalDump(std::string_view dump);

}  // namespace rotv::formats
