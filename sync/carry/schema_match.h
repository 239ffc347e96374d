// Says whether a database can be carried between two states as far as their schemas go. Pure.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "proto/store.pb.h"

namespace rotv::carry {

// Returns why not, as a clause for people: "the schema changed"; empty if seeds of both states differ in nothing but
// rows, values of sequences and large objects.
std::string WhyNotCarried(const proto::SchemaVersion& from, const proto::SchemaVersion& to);

// The comments of the large objects that have one, by the objects' oids.
std::map<uint32_t, std::string> ObjectComments(const proto::SchemaVersion& schema);

}  // namespace rotv::carry
