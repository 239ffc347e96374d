// PII detection: which columns look as if they held personal data, and have no rule. `mask_unknown` and `mask suggest`
// both use it, so that what is suggested is what is refused.

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

// What names and types give away; a column that a foreign key ties to such a one has the same values. Pure.
std::vector<PiiFinding> DetectByName(const std::vector<PiiColumn>& columns, const MaskFacts& facts);

// DetectByName() and, of the other columns, what a sample of their values gives away. Without `sampler` names only.
std::vector<PiiFinding> DetectPii(const std::vector<PiiColumn>& columns, const MaskFacts& facts, PiiSampler* sampler);

// A rule for each pattern that was found, by pattern; the partitions of a table have the same one.
struct PiiRule {
  std::string pattern;  // As a key of [mask]: public.users.email
  std::string rule;     // As a value: "email" in quotes, or a table. Empty: nothing that can be done here fits.
  std::string reason;
};
// Each rule fits every column that it is for, and is the same on both sides of a foreign key. Pure.
std::vector<PiiRule> RulesFor(const std::vector<PiiFinding>& findings, const MaskFacts& facts);

// Throws kUsage, naming each, if there are any.
void RefusePii(const std::vector<PiiFinding>& findings, const MaskFacts& facts);

}  // namespace rotv::mask
