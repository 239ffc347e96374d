// Formats the changes of a schema as one line. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/snapshot_diff.h"

namespace rotv::report {

// "TABLE public.places (+rating integer), INDEX public.places_rating (new), VIEW public.old (gone)": at most ten
// objects. A changed object shows at most three lines.
std::string SchemaLine(const std::vector<schema::SchemaChange>& changes);

}  // namespace rotv::report
