// Compares two schemas, object by object. Pure.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"

namespace rotv::schema {

struct SchemaChange {
  enum class Kind { kAdded, kRemoved, kChanged };
  Kind kind = Kind::kChanged;
  std::string object;  // "TABLE public.t", "INDEX public.t_v": as pg_dump's comment calls it.
  std::string before;  // Its statements; empty if it was added.
  std::string after;   // Empty if it was removed.
};

// Compares two texts of pg_dump (pre-data and post-data). Returns changes in order of the objects' names. Objects of
// one name and kind (several ACLs, overloaded functions) are told apart by their text alone.
std::vector<SchemaChange> CompareSchemas(std::string_view before, std::string_view after);

// Compares both texts of two schemas; changes in pre-data come first.
std::vector<SchemaChange> CompareSchemas(const proto::SchemaVersion& before, const proto::SchemaVersion& after);

}  // namespace rotv::schema
