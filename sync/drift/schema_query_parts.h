// The parts of the query for a schema's objects. Each but the first begins with UNION ALL, and returns the columns
// kind, name, own, parent, definition, make, unmake, parts, settings and the number that orders it, as
// schema_queries.cc says.

#pragma once

namespace rotv::drift {

extern const char* const kTypeObjects;
extern const char* const kRoutineObjects;
extern const char* const kRelationObjects;
extern const char* const kColumnObjects;
extern const char* const kTablePartObjects;
extern const char* const kOtherObjects;

}  // namespace rotv::drift
