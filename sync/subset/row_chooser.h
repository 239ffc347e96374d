// Chooses the rows of a subset, over hashes of keys alone. Pure but for the file that has the hashes.
//
// Two sets grow to a fixed point. Down: rows that start, and rows that reference those that start or came this way. Up:
// rows that these reference, and so on. Rows that came up lead to nothing but what they reference themselves: else the
// country of one user would bring all users of that country.

#pragma once

#include <cstdint>
#include <vector>

#include "storage/interrupt.h"
#include "sync/subset/hash_set.h"
#include "sync/subset/reference_graph.h"
#include "sync/subset/row_bits.h"
#include "sync/subset/row_reader.h"
#include "sync/subset/subset_plan.h"

namespace rotv::subset {

// The keys whose hashes are needed of each table; parallel to the graph's nodes.
using KeysByNode = std::vector<std::vector<std::vector<KeyField>>>;
KeysByNode KeysNeeded(const ReferenceGraph& graph, const SubsetPlan& plan);

struct Choice {
  std::vector<RowBits> rows;       // Parallel to the nodes; of tables that are whole it is not complete.
  std::vector<uint64_t> came;      // How many rows start or came down, of each table.
  std::vector<uint64_t> left_out;  // How many did not, because of the limit.
};

// `tables` are what was read of each node, with the keys of KeysNeeded(); tables that were not read have no keys. Where
// a limit leaves out rows, those with the smallest hashes come. Throws kDisk and kInterrupted.
Choice ChooseByKeys(const ReferenceGraph& graph, const SubsetPlan& plan, const KeysByNode& keys,
                    std::vector<ReadTable>& tables, const Interrupt& interrupt);

}  // namespace rotv::subset
