// Checks the text of a schema before it is stored, and before it is written into a seed: all of it is SQL, and psql
// finds no meta-command in it. Pure: no I/O.

#pragma once

#include <string_view>

#include "proto/store.pb.h"

namespace rotv::schema {

// These check the parts of `schema` that a seed is made of: texts and names. The texts consist of the kinds of
// statements that pg_dump writes before and after the rows; each statement is complete, and quotes and comments are
// closed, where the text ends and where DROPs are put into it. psql reads them without a meta-command (a backslash
// outside of quotes) or a variable of its own, whichever version it is. Names are valid identifiers, quoted where they
// must be. Throws Error(kProtocol).
void CheckSchemaTexts(const proto::SchemaVersion& schema);
void CheckSchemaNames(const proto::SchemaVersion& schema);

// Makes both checks for a schema that is read from a store or a file: throws Error(kCorrupt).
void CheckStoredSchema(const proto::SchemaVersion& schema);

// True for one identifier, or several with dots between them: public."a ""name""".
bool IsQuotedName(std::string_view text);

}  // namespace rotv::schema
