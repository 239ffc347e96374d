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

// Returns the statements that have to be right before a name of the source. They make psql read it as it was written,
// whatever the source's functions have set before.
std::string SettleText(std::string_view encoding);

// The text after the changes, which commits them.
std::string_view EndText();

// Returns an array of texts as PostgreSQL writes and reads it: {"id","a \"name\""}.
std::string ArrayText(const std::vector<std::string>& elements);

// Returns a row of COPY, with its newline. No field is NULL.
std::string CopyRow(const std::vector<std::string>& fields);

}  // namespace rotv::carry
