// Compares two schemas, object by object. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/drift/schema_drift.h"
#include "sync/drift/schema_queries.h"

namespace rotv {

// The order of objects, the names of constraints and indexes, and the formatting of functions make no difference.
// `ignore` are patterns with * for any text, for names ("public.audit_*") or labels ("index public.*"); what is part of
// an ignored object is ignored too.
drift::SchemaDrift FindDrift(std::vector<drift::SchemaObject> before, std::vector<drift::SchemaObject> after,
                             const std::vector<std::string>& ignore);

// Tables in which tools remember which migrations were done, as patterns for `ignore`.
std::vector<std::string> MigrationBookkeeping();

}  // namespace rotv
