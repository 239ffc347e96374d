// Reads and writes the text format of COPY: one row is one line, fields are separated by tabs. Pure: no I/O.
// Format: PostgreSQL manual, "COPY", section "Text Format"; this escapes exactly the bytes that COPY TO escapes.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/row_version.h"

namespace rotv::formats {

inline constexpr std::string_view kCopyNull = "\\N";
// Marks an unchanged column in a partial row. COPY never writes it: a backslash in data is always doubled.
inline constexpr std::string_view kCopyUnchanged = kUnchangedField;

// Appends `text` (a type's output, in an encoding that a server can have) to `out`, escaped like COPY TO STDOUT does:
// \b \f \n \r \t \v and \\ .
void AppendCopyEscaped(std::string_view text, std::string* out);

// Splits a line (no newline at its end) into its fields, still escaped, which point into `line`. `fields` is cleared
// first. A table without columns has an empty line and no field: pass column_count 0. Throws Error(kProtocol) if the
// number of fields is not `column_count`.
void SplitCopyLine(std::string_view line, size_t column_count, std::vector<std::string_view>* fields);

// Gives the first `count` fields of a line, which may have more. Throws Error(kProtocol) if it has fewer.
void FirstCopyFields(std::string_view line, size_t count, std::vector<std::string_view>* fields);

// Gives the value of an escaped field, which must not be kCopyNull or kCopyUnchanged. Returns `field` itself if nothing
// was escaped, else a view of `*scratch`. Throws Error(kProtocol) on a backslash that COPY TO never writes: one at the
// end, or before anything but the letters above (COPY TO never writes octal or hexadecimal escapes).
std::string_view UnescapeCopyField(std::string_view field, std::string* scratch);

// The same, appended to `out`. An exception leaves a part of it there.
void AppendCopyUnescaped(std::string_view field, std::string* out);

}  // namespace rotv::formats
