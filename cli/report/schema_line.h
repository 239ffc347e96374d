// Changes of a schema in one line. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/snapshot_diff.h"

namespace rotv::report {

// "TABLE public.places (+rating integer), INDEX public.places_rating (new), VIEW public.old (gone)": at most ten
// objects, and of each that has changed at most three lines.
std::string SchemaLine(const std::vector<schema::SchemaChange>& changes);

}  // namespace rotv::report
