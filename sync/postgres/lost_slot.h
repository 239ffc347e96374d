// Says why the source has given up a replication slot.

#pragma once

#include <string>
#include <string_view>

namespace rotv::postgres {

// Columns for a query on pg_replication_slots s: the reason that LostSlotText() takes. Empty before 16, where nothing
// but removed WAL invalidates a slot.
inline constexpr const char* kInvalidationReason =
    "coalesce(to_jsonb(s) ->> 'invalidation_reason', "  // Since 17.
    "CASE WHEN to_jsonb(s) ->> 'conflicting' = 'true' THEN 'conflicting' END, '')";

// For a slot whose wal_status is lost: what has become of it, in one line.
std::string LostSlotText(const std::string& slot, std::string_view reason);

}  // namespace rotv::postgres
