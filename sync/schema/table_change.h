// Compares the tables of two schemas: for which ones the stored rows can still be used, and which ones need a resync.
// Pure.

#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "storage/row_version.h"
#include "storage/shape_map.h"

namespace rotv::schema {

enum class Fate {
  kNoRows,        // The store keeps no rows of it.
  kKeep,          // The stored rows can be used, in the new shape.
  kKeepIfProven,  // Like kKeep if one row is older than the last pull: that proves that the new file is no rewrite.
  kCopy,
};

struct TableChange {
  const proto::Table* before = nullptr;  // Null for a new one.
  const proto::Table* now = nullptr;
  Fate fate = Fate::kNoRows;
  std::string reason;  // Why it needs a resync, for people: "new", "its column price has another type".
};

struct SchemaComparison {
  const proto::SchemaVersion& before;
  const proto::SchemaVersion& now;
  const ShapeMap& shapes;  // Has the shapes of both.
  const std::set<TableId>& must_copy;
  bool text_changed = false;  // Something in the schema's text may have changed, such as a name that values refer to.
};

// Returns one change for each table of `now`, in its order.
std::vector<TableChange> CompareTables(const SchemaComparison& comparison);

}  // namespace rotv::schema
