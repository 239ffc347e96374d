// What [subset] means for the tables of a schema. Pure.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sync/context/subset_config.h"
#include "sync/subset/reference_graph.h"

namespace rotv::subset {

struct TablePlan {
  const SubsetTable* entry = nullptr;  // Of the section; null: it does not name the table.
  bool whole = false;
  bool excluded = false;
  proto::TableMask conditions;  // Of the start: what a filter of rows needs.
  std::optional<size_t> limit;  // Index into SubsetPlan::limits.
  bool reached = false;         // Rows of it start, or come along.
  bool referenced = false;      // Rows of it may be referenced by rows of the subset.

  bool starts() const { return entry != nullptr && entry->is_start(); }
  bool in_play() const { return reached || referenced || whole; }
};

struct SubsetPlan {
  std::vector<TablePlan> tables;  // Parallel to the graph's nodes.
  std::vector<uint64_t> limits;   // Partitions of one table share one.
};

// Finds the section's tables. Sets all but `whole` of tables that the section does not name, `reached` and
// `referenced`. Throws kUsage if the section has no start, names a table or column that the schema does not have, a
// table without rows as a start, or two entries that are equally exact for one table.
SubsetPlan MakePlan(const SubsetConfig& config, const ReferenceGraph& graph);

// Says which tables rows of the start lead to, by what references them: sets `reached`.
void FollowReferencing(const ReferenceGraph& graph, SubsetPlan* plan);

// Says which tables rows of the subset may reference: sets `referenced`, and `whole` where such rows cannot be found by
// the values of a key. To be called once `whole` is set. Returns the references of which that is so.
std::vector<const Reference*> FollowReferenced(const ReferenceGraph& graph, SubsetPlan* plan);

}  // namespace rotv::subset
