// The [subset] section of the config: which rows a small seed begins with, and which come along. Those of a remote that
// has only a part of the rows are in the same form. Plain data: cli/config
// reads it and checks its form, and sync/subset checks it against a schema.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rotv {

// A table of the section. One with `percent` or `where` is where the subset starts.
struct SubsetTable {
  enum class Take {
    kFollow,   // The rows to start with, or those that come along.
    kWhole,    // All rows.
    kExclude,  // Only rows that others reference.
  };

  std::string pattern;             // As in the config, for messages: "public.users".
  std::vector<std::string> parts;  // Schema and table; "*" (kAnyPart) matches any.
  Take take = Take::kFollow;
  std::optional<uint32_t> percent_millionths = {};  // Of the rows, by their keys: 5 % are 5,000,000.
  std::vector<std::string> where = {};              // In the form of ParseRowCondition(); all have to hold.
  std::optional<uint64_t> limit = {};  // At most so many rows start or come along, beside those that are referenced.

  bool is_start() const { return percent_millionths.has_value() || !where.empty(); }
};

struct SubsetConfig {
  // What becomes of larger tables that nothing leads to.
  enum class Others { kExclude, kWhole };

  std::string section = "[subset]";  // For messages.
  bool declared = false;             // The config has the section.
  std::vector<SubsetTable> tables;
  uint64_t small = 1000;  // Tables of at most so many rows are taken whole if no row leads to them.
  Others others = Others::kExclude;
  // False: what others reference does not come along by itself, nor what references them. A foreign key to rows that
  // are left out is then refused, or made NOT VALID.
  enum class Follow { kReferences, kNothing };
  Follow follow = Follow::kReferences;
  bool allows_not_valid = false;

  bool has_start() const;
};

// Throws kUsage if there is no section, or nothing in it says where to start, which kNothing does not need.
void RequireSubsetStart(const SubsetConfig& config);

// Identifies the section's meaning: two subsets of one point with the same fingerprint have the same rows. Never empty.
std::string SubsetFingerprint(const SubsetConfig& config);

}  // namespace rotv
