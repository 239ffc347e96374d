// Compares two schemas, object by object. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/drift/schema_drift.h"
#include "sync/drift/schema_queries.h"

namespace rotv {

// Compares two lists of objects. Their order, the names of constraints and indexes, and the formatting of functions
// make no difference. `ignore` are patterns, with * for any text, for names ("public.audit_*") or labels ("index
// public.*"); parts of an ignored object are ignored, too.
drift::SchemaDrift FindDrift(std::vector<drift::SchemaObject> before, std::vector<drift::SchemaObject> after,
                             const std::vector<std::string>& ignore);

// Returns patterns for `ignore` that match the tables in which tools record the migrations that were applied.
std::vector<std::string> MigrationBookkeeping();

}  // namespace rotv
