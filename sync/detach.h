// Removes our slots and publications from the source; what is stored stays usable.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sync/context/context.h"
#include "sync/postgres/found_objects.h"

namespace rotv {

struct DetachResult {
  std::vector<std::string> removed;  // "replication slot rotv_…", "publication rotv_…"; empty if there was nothing.
  std::vector<postgres::Leftover> left;  // Objects that could not be removed; they stay recorded.
  // Objects of this machine and user, judged by their names, that no record of this home has: they belong to another
  // home, or to one that is lost.
  std::vector<postgres::FoundObject> unrecorded;
  // What a former primary may still have, with its SQL: nothing here knows where it is. Empty if there was no
  // promotion.
  std::string former_primary;
};

// Removes everything that was ever recorded for this source, wherever it was created, and an unfinished baseline. A
// second call does nothing.
DetachResult Detach(const Context& context);

// Returns a source of this name that has left something on a server although rotv.toml no longer has it, with the
// settings of that time; nothing if there is none.
std::optional<SourceConfig> FormerSource(const std::filesystem::path& home, const std::string& name);

}  // namespace rotv
