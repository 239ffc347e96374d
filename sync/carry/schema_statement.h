// Reads the text of a schema as statements that can be run and undone one by one. Pure.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/store.pb.h"

namespace rotv::carry {

struct SchemaStatement {
  enum class Kind {
    kOther,
    kTable,
    kRoutine,  // A function or procedure.
    kKey,      // A constraint or index that keeps values unique.
    kAttach,   // ALTER TABLE … ATTACH PARTITION
    kUnknown,  // It is not to be run or undone.
  };
  Kind kind = Kind::kUnknown;
  std::string text;  // Without its semicolon.
  std::string key;   // "TABLE public.t"; set if the statement creates an object that others may name.
  std::string name;  // That object's, qualified and as it is written: public."Odd.Name". Empty for a schema.
  std::string on;    // The table or partition with which it goes; empty if none is known.
  std::optional<std::string> undo;  // Nothing: it cannot be undone. Empty: there is nothing to do.
  bool after_rows = false;          // In a seed it comes after the rows.
};

// Returns the statements in their order, without settings, the DROPs of the clean part, large objects and what fills
// materialized views. Foreign keys are NOT VALID where those of a seed are.
std::vector<SchemaStatement> SchemaStatements(const proto::SchemaVersion& schema);

// True if the text asks for tablespaces or access methods, which its statements then depend on.
bool HasStoragePlaces(const proto::SchemaVersion& schema);

}  // namespace rotv::carry
