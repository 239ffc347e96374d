// Rules as the store keeps them, so that what comes later is masked as what is there.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "sync/context.h"
#include "sync/mask/masker.h"

namespace rotv {

proto::MaskRule StoredRule(const MaskRule& rule);

// The masker of a column that is stored so. Throws kUsage as MakeMasker() does.
std::unique_ptr<const Masker> MakeMasker(const proto::MaskedColumn& column, const std::string& pattern,
                                         const MaskSecret& secret);

// How a column of this number is masked; null if it is not.
const proto::MaskedColumn* MaskOf(const proto::Table& table, uint32_t number);

// Of all rules, what is done about unknown columns, and the secret; empty for no rules.
std::string MaskFingerprint(const MaskConfig& config, const MaskSecret& secret);

std::string MaskFingerprint(const Context& context);
// Whether rows are stored under other rules, or another secret, than the config's.
bool MaskRulesChanged(const proto::Manifest& manifest, const Context& context);

// The key of [mask] that names just this: parts that have dots or quotes are written in double quotes.
std::string MaskPattern(const std::vector<std::string>& parts);

// The kind of this name, "first_name"; nothing if there is none.
std::optional<MaskKind> MaskKindOf(std::string_view name);
// Every name there is.
std::vector<std::string> MaskKindNames();

}  // namespace rotv
