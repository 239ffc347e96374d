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

// The text after the changes, which commits them.
std::string_view EndText();

// Returns an array of texts as PostgreSQL writes and reads it: {"id","a \"name\""}.
std::string ArrayText(const std::vector<std::string>& elements);

// Returns a row of COPY, with its newline. No field is NULL.
std::string CopyRow(const std::vector<std::string>& fields);

}  // namespace rotv::carry
