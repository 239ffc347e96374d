// DatabaseFacts as JSON, for the note beside a seed.

#pragma once

#include <nlohmann/json.hpp>

#include "sync/context/database_facts.h"

namespace rotv::launch {

nlohmann::json JsonOf(const DatabaseFacts& facts);

// What is missing is not known. Throws nlohmann::json::exception for a value of another kind.
DatabaseFacts FactsFrom(const nlohmann::json& note);

}  // namespace rotv::launch
