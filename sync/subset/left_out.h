// Foreign keys to rows that are left out, where what is referenced does not come along. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/context/subset_config.h"
#include "sync/formats/foreign_keys.h"
#include "sync/subset/reference_graph.h"
#include "sync/subset/subset_plan.h"

namespace rotv::subset {

// The foreign keys that an import would refuse, because the plan leaves out rows that others may reference: they have
// to be made NOT VALID. Throws kUsage, naming each, if the config does not allow that, or the server does not: a
// partitioned table's can be NOT VALID since PostgreSQL 18. For SubsetConfig::Follow::kNothing.
std::vector<formats::ConstraintName> KeysToRowsLeftOut(const SubsetConfig& config, const ReferenceGraph& graph,
                                                       const SubsetPlan& plan, uint32_t server_version);

}  // namespace rotv::subset
