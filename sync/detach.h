// Removes slots and publications of ours from the source; what is stored stays usable.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sync/context/context.h"
#include "sync/postgres/found_objects.h"

namespace rotv {

struct DetachResult {
  std::vector<std::string> removed;  // "replication slot rotv_…", "publication rotv_…"; empty if nothing was there.
  std::vector<postgres::Leftover> left;  // What could not be removed; it stays recorded.
  // Of this machine and user by their names, and in no record of this home: of another one, or of one that is lost.
  std::vector<postgres::FoundObject> unrecorded;
};

// Removes everything that was ever recorded for this source, where it was made. Done twice it does nothing the second
// time.
DetachResult Detach(const Context& context);

// The source of this name that has left something on a server, though rotv.toml has none such any more: as it was when
// that was made. Nothing if there is none.
std::optional<SourceConfig> FormerSource(const std::filesystem::path& home, const std::string& name);

}  // namespace rotv
