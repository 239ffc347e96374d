// Takes the facts about the source's database out of a stored schema. Pure.

#pragma once

#include "proto/store.pb.h"
#include "sync/context/database_facts.h"

namespace rotv::schema {

// A store or a file may hold anything: what is not as DatabaseFacts promises is left out. Nothing is known where the
// schema has no facts, or where its encoding, provider or locale is not one that a server can have.
DatabaseFacts FactsOf(const proto::SchemaVersion& schema);

}  // namespace rotv::schema
