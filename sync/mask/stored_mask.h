// Rules as the store keeps them, so that what comes later is masked as what is there.

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
// The rule that was stored so. Throws kCorrupt if it is a later version's.
MaskRule RuleOf(const proto::MaskRule& stored, const std::string& pattern);

// The masker of a column that is stored so. Throws kUsage as MakeMasker() does.
std::unique_ptr<const Masker> MakeMasker(const proto::MaskedColumn& column, const std::string& pattern,
                                         const MaskSecret& secret);

// Sets what else decides which values the rule makes of the column: how its texts are equal, and the rule's revision.
void StoreEquality(const MaskRule& rule, const MaskColumn& column, proto::MaskedColumn* stored);

// How a column of this number is masked; null if it is not.
const proto::MaskedColumn* MaskOf(const proto::Table& table, uint32_t number);

// Of all rules, what is done about unknown columns, and the secret; empty for no rules.
std::string MaskFingerprint(const MaskConfig& config, const MaskSecret& secret);

std::string MaskFingerprint(const Context& context);
// Rows are stored under other rules, or another secret, than the config's. `schema` is the store's in force.
bool MaskRulesChanged(const proto::Manifest& manifest, const proto::SchemaVersion& schema, const Context& context);

// Masks that are in force although no rule of the config says so any more: "public.users.email (email)".
std::vector<std::string> CarriedMasks(const proto::MaskRecord& record);

}  // namespace rotv::mask
