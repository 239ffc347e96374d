// Formats what is published in a remote as text and as JSON.

#pragma once

#include <cstdint>
#include <string>

#include "cli/output/output.h"
#include "sync/remote_status.h"

namespace rotv::report {

// `name` is the remote's; ages are relative to `now_us`.
std::string PublicationText(const PublicationStatus& status, const std::string& name, int64_t now_us);
output::Json PublicationJson(const PublicationStatus& status, const std::string& name);

// What `rotv-sync status` adds for each remote of a source that is published from here.
std::string PublicationSummary(const PublicationStatus& status, const std::string& name, int64_t now_us);

// The same for a source that follows a remote.
std::string FollowingText(const FollowingStatus& status, int64_t now_us);
output::Json FollowingJson(const FollowingStatus& status);

}  // namespace rotv::report
