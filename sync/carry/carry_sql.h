// The SQL of a carry that does not depend on the database: its beginning, its procedures and its end. Pure.
//
// A carry is fixed text, rows of COPY, and the names of the tables that rows are copied into. Every other name and
// value of the source reaches the server as a row of COPY, in a temporary table, and procedures quote it.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rotv::carry {

// Returns the text before the changes: settings, the beginning of the transaction, the temporary tables and procedures.
// `encoding` is the database's.
std::string BeginText(std::string_view encoding);

// Returns the statements that have to be before names and values of the source, after anything that may have run the
// source's functions. They make psql and the server read them as they were written, whatever such a function has set.
std::string SettleText(std::string_view encoding);

// Returns the text that begins a carry across a change of the schema, before BeginText(): it makes a database rotv_next
// of the statements, reads its schema, and drops it. Nothing of it is left if it fails but that database.
std::string ScratchText(std::string_view encoding, const std::vector<std::string>& statements, bool standard_strings);

// What becomes of a statement for which an ordinary role has no right. An import leaves it out.
enum class WithoutRights { kFailed, kSkipped };
// Returns the text that runs statements of the source, in their order, and settles the session again. It fails if the
// role is a superuser.
std::string RunText(std::string_view encoding, const std::vector<std::string>& statements, bool standard_strings,
                    WithoutRights without_rights = WithoutRights::kFailed);

// Returns the text that fails unless the schema is that of ScratchText(); between the changes and EndText().
std::string CompareText();

// The text after the changes, which commits them.
std::string_view EndText();

// Returns an array of texts as PostgreSQL writes and reads it: {"id","a \"name\""}.
std::string ArrayText(const std::vector<std::string>& elements);

// Returns a row of COPY, with its newline. No field is NULL.
std::string CopyRow(const std::vector<std::string>& fields);

}  // namespace rotv::carry
