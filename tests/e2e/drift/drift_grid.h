// The grid of differences between two schemas: a schema with all kinds of objects, and changes of it, one at a time.

#pragma once

#include <vector>

namespace rotv::testing {

enum class Side { kOnlyBefore, kOnlyAfter, kChanged };

// The statements for the other side, and the expected finding: "column public.book.isbn". kOnlyAfter: it was added
// there.
struct Difference {
  const char* name;
  const char* sql;
  const char* label;
  Side side;
  bool sketch_is_whole = true;  // Otherwise a part of it is a comment for people.
  int since = 0;                // The first major version of PostgreSQL that has it.
};

// The schema, without what needs a newer version than the oldest: objects that a sketch can build from nothing, and on
// top of them what pg_dump writes of objects beside their being there.
extern const char* const kGridObjects;
extern const char* const kGridClauses;

// Objects that are there or not, or are others; and each attribute that pg_dump writes of one.
const std::vector<Difference>& ObjectDifferences();
const std::vector<Difference>& ClauseDifferences();

}  // namespace rotv::testing
