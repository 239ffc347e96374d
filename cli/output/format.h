// Formats numbers for people. The text is English in every locale, so that it is the same on all machines.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/size_text.h"

namespace rotv::output {

// "0 B", "1.23 kB", "363 MB": as in messages of the storage.
inline std::string HumanBytes(uint64_t bytes) { return SizeText(bytes); }

// "0.4 s", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"; below a tenth of a second "0.0 s" is written "<0.1 s".
std::string HumanDuration(double seconds);

// "just now", "45 seconds ago", "3 minutes ago", "1 hour ago", "9 days ago". A negative age (clocks differ) is just
// now.
std::string HumanAge(double seconds);

// Writes thousands separators: "1,234,567".
std::string HumanCount(uint64_t count);

// "1 table", "1,200 tables".
std::string Counted(uint64_t count, std::string_view one, std::string_view many);

// Both take Unix time in microseconds. IsoTime is for programs: "2026-11-23T16:42:50.123456Z". HumanTime is for people:
// "2026-11-23 16:42:50 UTC".
std::string IsoTime(int64_t time_us);
std::string HumanTime(int64_t time_us);

}  // namespace rotv::output
