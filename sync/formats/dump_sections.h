// Splits the output of pg_dump, so that rows can be written where pg_dump would have written them. Pure: no I/O.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rotv::formats {

struct DumpSections {
  std::string pre_data;   // The header, the DROPs and everything else before the rows; ends where the rows begin.
  std::string post_data;  // Everything after the rows, to the end of the dump.
};

// Splits `all`, the output of pg_dump --section=pre-data --section=post-data --clean --if-exists, where `post` begins,
// the output of --section=post-data; both are made at the same exported snapshot. After its settings `post` is a suffix
// of `all`, except for paragraphs "SET default_tablespace" and "SET default_table_access_method", which pg_dump writes
// only where the value changes: those of `all` are kept, since the rows in between change neither. \restrict and
// \unrestrict (their keys are random) are removed, and so is whatever stands before pg_dump's first line. Throws
// Error(kProtocol) if `post` is no such suffix, or if one of the two is not a complete dump.
DumpSections SplitDump(std::string_view all, std::string_view post);

// Splits `all` as SplitDump() does, but by the kinds of objects in its comments; nothing if a comment before the rows
// names a kind that is not known, or can be read in two ways. Here `all` may have owners and privileges. Throws
// Error(kProtocol) if it is not a complete dump.
std::optional<DumpSections> SplitDumpByKinds(std::string_view all);

// Gives the major version of the pg_dump that wrote a text, by the comment above its settings; 0 if it has none. This,
// and not the server's version, decides about the form of the text.
int DumpVersionOf(std::string_view dump);

// Finds the offset in `pre_data` at which the DROPs of post-data's objects end. `post_with_drops` is the output of
// pg_dump --section=post-data --clean --if-exists at the same exported snapshot; its DROPs are the first in `pre_data`.
// Throws Error(kProtocol) if they are not.
size_t FindDrops(std::string_view post_with_drops, std::string_view pre_data);

// The form of a dump that is compared: COPY rows are sorted bytewise inside each block; comments, blank lines and
// \restrict lines are left out. Two dumps count as equal if and only if their canonical forms are. Literals, quoted
// names and function bodies are kept unchanged, whatever their lines look like. Beside the result this takes memory for
// one string_view for each row of the largest block.
std::string CanonicalDump(std::string_view dump);

}  // namespace rotv::formats
