// The schema of a stored state as SQL.

#pragma once

#include <string>

#include "sync/context.h"
#include "sync/point.h"

namespace rotv {

struct SchemaText {
  std::string sql;  // The seed without its rows, which psql imports.
  Point point;
};

// At "head", "baseline" or a snapshot. Throws what OpenWorkspace() and OpenPoint() do.
SchemaText ReadSchemaText(const Context& context, const std::string& snapshot);

}  // namespace rotv
