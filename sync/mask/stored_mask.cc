#include "sync/mask/stored_mask.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "storage/error.h"
#include "sync/context/mask_rule_table.h"
#include "sync/mask/make_masker.h"
#include "sync/mask/secret.h"

namespace rotv::mask {

MaskRule RuleOf(const proto::MaskRule& stored, const std::string& pattern) {
  const MaskRuleRow* row = RowNamed(stored.name());
  // A later version has stored it.
  if (row == nullptr)
    throw Error(ErrorCode::kCorrupt,
                "the store was masked by a rule that this version does not know: " + stored.name());
  MaskRule rule{.kind = row->kind,
                .name = stored.name(),
                .pattern = pattern,
                .parts = {},
                .value = stored.value(),
                .length = stored.length(),
                .by = stored.by(),
                .percent = stored.percent(),
                .conditions = {stored.conditions().begin(), stored.conditions().end()},
                .paths = {}};
  for (const proto::MaskPath& path : stored.paths()) rule.paths.push_back({path.path(), RuleOf(path.rule(), pattern)});
  return rule;
}

proto::MaskRule StoredRule(const MaskRule& rule) {
  proto::MaskRule stored;
  stored.set_name(rule.name);
  stored.set_value(rule.value);
  stored.set_length(rule.length);
  stored.set_by(rule.by);
  stored.set_percent(rule.percent);
  for (const std::string& condition : rule.conditions) stored.add_conditions(condition);
  for (const auto& [path, inner] : rule.paths) {
    proto::MaskPath* stored_path = stored.add_paths();
    stored_path->set_path(path);
    *stored_path->mutable_rule() = StoredRule(inner);
  }
  return stored;
}

std::unique_ptr<const Masker> MakeMasker(const proto::MaskedColumn& column, const std::string& pattern,
                                         const MaskSecret& secret) {
  return MakeMasker(
      RuleOf(column.rule(), pattern),
      {.name = column.name(),
       .type = column.type(),
       .limit = column.limit(),
       .precision = column.precision(),
       .scale = column.scale(),
       .unique = column.unique(),
       .ignores_case = column.ignores_case(),
       .equality = column.equality() == proto::TEXT_EQUALITY_UNICODE ? Lowering::kUnicode : Lowering::kUnknown,
       .narrowest = column.narrowest()},
      secret);
}

void StoreEquality(const MaskRule& rule, const MaskColumn& column, proto::MaskedColumn* stored) {
  stored->set_ignores_case(column.ignores_case);
  if (column.equality == Lowering::kUnicode) stored->set_equality(proto::TEXT_EQUALITY_UNICODE);
  stored->set_narrowest(column.narrowest);
  stored->set_revision(RevisionOf(rule, column.type));
}

const proto::MaskedColumn* MaskOf(const proto::Table& table, uint32_t number) {
  for (const proto::MaskedColumn& masked : table.mask().columns()) {
    if (masked.number() == number) return &masked;
  }
  return nullptr;
}

std::string MaskFingerprint(const MaskConfig& config, const MaskSecret& secret) {
  if (config.empty()) return "";
  // The 3 is the revision of what is read from the source for the rules: a store made with an older one examines all
  // tables again.
  std::string all = fmt::format("3 {}", static_cast<int>(config.unknown));
  for (const MaskRule& rule : config.rules) {
    const std::string stored = StoredRule(rule).SerializeAsString();
    all += fmt::format("{}\n{}\n", rule.pattern, stored.size()) + stored;
  }
  return fmt::format("{}{:016x}", SecretId(secret), KeyedHash(secret, "rules")(all));
}

std::string MaskFingerprint(const Context& context) {
  return MaskFingerprint(context.source.mask, MaskSecretOf(context));
}

namespace {

// True if this version would mask some values of the stored columns differently, under whichever rules.
bool RevisionsChanged(const proto::SchemaVersion& schema) {
  for (const proto::Table& table : schema.tables()) {
    for (const proto::MaskedColumn& column : table.mask().columns()) {
      if (column.revision() != RevisionOf(RuleOf(column.rule(), ""), column.type())) return true;
    }
  }
  return false;
}

}  // namespace

bool MaskRulesChanged(const proto::Manifest& manifest, const proto::SchemaVersion& schema, const Context& context) {
  if (manifest.mask_fingerprint() != MaskFingerprint(context) || RevisionsChanged(schema)) return true;
  // Masks that no rule of the config asks for are not in the fingerprint, and neither is their secret.
  if (schema.mask_record().carried().empty()) return false;
  const std::string secret_id = SecretId(MaskSecretOf(context));
  return std::any_of(schema.tables().begin(), schema.tables().end(), [&](const proto::Table& table) {
    return !table.mask().secret_id().empty() && table.mask().secret_id() != secret_id;
  });
}

std::vector<std::string> CarriedMasks(const proto::MaskRecord& record) {
  std::vector<std::string> masks;
  for (const proto::CarriedMask& mask : record.carried()) {
    masks.push_back(fmt::format("{} ({})", mask.what(), mask.rule()));
  }
  return masks;
}

}  // namespace rotv::mask
