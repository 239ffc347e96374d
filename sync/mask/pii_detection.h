// PII detection: finds columns that look as if they held personal data, and have no rule. `mask_unknown` and `mask
// suggest` both use it, so that what is suggested is what is refused.

#pragma once

#include <string>
#include <vector>

#include "sync/mask/mask_facts.h"
#include "sync/mask/pii_sampler.h"
#include "sync/mask/pii_values.h"
#include "sync/postgres/catalog.h"

namespace rotv::mask {

struct PiiFinding {
  PiiColumn column;
  Suspicion suspicion;
};

// Finds columns by names and types. A column that a foreign key ties to such a column has the same values, and is found
// as well. Pure.
std::vector<PiiFinding> DetectByName(const std::vector<PiiColumn>& columns, const MaskFacts& facts);

// Finds columns like DetectByName() and, among the others, those whose sampled values look personal. Without `sampler`
// it goes by names only.
std::vector<PiiFinding> DetectPii(const std::vector<PiiColumn>& columns, const MaskFacts& facts, PiiSampler* sampler);

// The rule for one pattern that was found; the partitions of a table share one.
struct PiiRule {
  std::string pattern;  // The key of [mask]: public.users.email
  std::string rule;     // The value: "email" in quotes, or a table. Empty: no rule fits.
  std::string reason;
};
// Returns rules in order of their patterns. Each rule fits every column that it is for, and is the same on both sides
// of a foreign key. Pure.
std::vector<PiiRule> RulesFor(const std::vector<PiiFinding>& findings, const MaskFacts& facts);

// Throws kUsage, naming each finding, if there are any.
void RefusePii(const std::vector<PiiFinding>& findings, const MaskFacts& facts);

}  // namespace rotv::mask
