// The [schema] section of rotv.toml.

#pragma once

#include "cli/drift/drift_config.h"
#include "cli/fail_at.h"

namespace rotv {

// A relative `migrations` stays as it is written.
DriftConfig ReadDriftConfig(const toml::table& table, const FailAt& fail);

}  // namespace rotv
