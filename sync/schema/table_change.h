// What has become of the tables between two schemas: which rows that are stored still serve, and which must be copied
// again. Pure.

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
  kNoRows,        // None are kept.
  kKeep,          // The stored rows serve, in the new shape.
  kKeepIfProven,  // Likewise if one row is older than the last pull: then the table's new file is not a rewrite.
  kCopy,
};

struct TableChange {
  const proto::Table* before = nullptr;  // Null for a new one.
  const proto::Table* now = nullptr;
  Fate fate = Fate::kNoRows;
  std::string reason;  // Of a copy, for people: "new", "its column price has another type".
};

struct SchemaComparison {
  const proto::SchemaVersion& before;
  const proto::SchemaVersion& now;
  const ShapeMap& shapes;  // Of both.
  const std::set<TableId>& must_copy;
  bool text_changed = false;  // Something in the schema's text may have changed: names that values are made of.
};

// One for each table of `now`, in its order.
std::vector<TableChange> CompareTables(const SchemaComparison& comparison);

}  // namespace rotv::schema
