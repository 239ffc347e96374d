// Formats the difference between two points as text and as JSON.

#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/output/output.h"
#include "cli/report/diff_rows.h"
#include "sync/snapshot_diff.h"

namespace rotv::report {

// `rows` is null if no rows were asked for.
std::string DiffText(const SnapshotDiff& diff, const DiffRows* rows);
output::Json SchemaChangesJson(const std::vector<schema::SchemaChange>& changes);
output::Json DiffJson(const SnapshotDiff& diff, const DiffRows* rows);

}  // namespace rotv::report
