// Converts rules to and from their stored form, so that rows that arrive later are masked like those that are stored.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "sync/context/context.h"
#include "sync/mask/masker.h"

namespace rotv::mask {

proto::MaskRule StoredRule(const MaskRule& rule);
// Returns the rule of a stored form. Throws kCorrupt if it is of a later version.
MaskRule RuleOf(const proto::MaskRule& stored, const std::string& pattern);

// Makes the masker of a stored column. Throws kUsage as MakeMasker() does.
std::unique_ptr<const Masker> MakeMasker(const proto::MaskedColumn& column, const std::string& pattern,
                                         const MaskSecret& secret);

// Sets what else decides the values that the rule makes for the column: how its texts compare, and the rule's revision.
void StoreEquality(const MaskRule& rule, const MaskColumn& column, proto::MaskedColumn* stored);

// Returns how the column of this number is masked; null if it is not.
const proto::MaskedColumn* MaskOf(const proto::Table& table, uint32_t number);

// Returns a fingerprint of all rules, of what is done about unknown columns, and of the secret; empty if there are no
// rules.
std::string MaskFingerprint(const MaskConfig& config, const MaskSecret& secret);

std::string MaskFingerprint(const Context& context);
// True if rows are stored under other rules, or with another secret, than the config's, or under another revision of a
// rule than this program's. `schema` is the store's schema in force.
bool MaskRulesChanged(const proto::Manifest& manifest, const proto::SchemaVersion& schema, const Context& context);

// Returns masks that are in force without a rule in the config: "public.users.email (email)".
std::vector<std::string> CarriedMasks(const proto::MaskRecord& record);

}  // namespace rotv::mask
