// Takes the text of pg_dump apart, so that rows can be put where pg_dump would have put them. Pure: no I/O.

#pragma once

#include <string>
#include <string_view>

namespace rotv {

struct DumpSections {
  std::string pre_data;   // Header, DROPs and everything before the rows; ends where the rows begin.
  std::string post_data;  // Everything behind the rows, to the end of the dump.
};

// `all` is the output of pg_dump --section=pre-data --section=post-data --clean --if-exists, `post` that of
// --section=post-data, both at one snapshot. The body of `post` is an exact suffix of `all`. \restrict and \unrestrict
// lines (their keys are random) are dropped from both. Throws Error(kProtocol) if `post` is not a suffix of `all`.
DumpSections SplitDump(std::string_view all, std::string_view post);

// What the comparison of two dumps disregards: the order of rows inside each COPY block, comment lines, blank lines
// and \restrict lines outside of the blocks. Two dumps are equal if and only if their canonical forms are.
std::string CanonicalDump(std::string_view dump);

}  // namespace rotv
