// Formats the result of verify as text and as JSON.

#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/output/output.h"
#include "sync/verify.h"

namespace rotv::report {

// The only values of a row in the text are those of its key.
std::string VerifyText(const VerifyResult& result, const std::string& source_name);
output::Json VerifyJson(const VerifyResult& result);

}  // namespace rotv::report
