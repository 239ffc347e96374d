// Tells what a start needs to know of a point without reading its rows.

#pragma once

#include <set>
#include <string>

#include "sync/context/context.h"
#include "sync/context/database_facts.h"
#include "sync/history/point.h"

namespace rotv {

struct PointDescription {
  history::ResolvedPoint point;
  std::set<std::string> roles;  // As in MaterializeResult, as is the next one.
  DatabaseFacts facts;
};

// Describes a point as OpenPoint() takes it. Needs no connection. Throws kUsage if there is no baseline or no such
// point.
PointDescription DescribePoint(const Context& context, const std::string& point);

}  // namespace rotv
