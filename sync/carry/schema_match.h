// Says whether a database can be carried between two states as far as their schemas go. Pure.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "proto/store.pb.h"

namespace rotv::carry {

// Returns why not, whatever their schemas are, as a clause for people: "masking changed"; empty if they can be carried
// where SameSchema() holds, or a migration is found.
std::string WhyNeverCarried(const proto::SchemaVersion& from, const proto::SchemaVersion& to);

// True if seeds of both states differ in nothing but rows, values of sequences and large objects.
bool SameSchema(const proto::SchemaVersion& from, const proto::SchemaVersion& to);

// The comments of the large objects that have one, by the objects' oids.
std::map<uint32_t, std::string> ObjectComments(const proto::SchemaVersion& schema);

}  // namespace rotv::carry
