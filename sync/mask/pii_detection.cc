#include "sync/mask/pii_detection.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "storage/error.h"
#include "sync/context/mask_rule_table.h"
#include "sync/mask/make_masker.h"
#include "sync/mask/pii_names.h"
#include "sync/mask/rule_text.h"
#include "sync/mask/stored_mask.h"

namespace rotv::mask {

// A column without a rule is stored as it is, so once a [mask] section exists every column that no rule names is
// examined, in four steps of rising cost: the type (network addresses), the name, the names of a row type's attributes,
// and last a bounded sample of values. Then foreign keys are followed until nothing is added, because both sides of one
// hold the same values. Only the sample asks the source for anything, and only for columns that the cheaper steps have
// not found.
//
// The answer to a finding is a rule, and the same code finds the columns that `mask_unknown` refuses and the ones for
// which `mask suggest` writes rules: a suggestion that is taken over ends the refusal. Columns that must be masked
// alike (partitions of one table, both sides of a foreign key) form a group, and a rule is suggested only if it fits
// every member; a group that no rule fits is reported without one rather than dropped.
//
// Detection errs on both sides by design: it reads names in seven languages and looks for forms of values, not for
// meaning. It is a net under the rules, not a proof, so a finding stops the command before anything is written instead
// of masking by guess, and "keep" ends it for good. `mask_unknown = "null"` masks only by names and types, since the
// next sample may be another one.

namespace {

using ColumnId = std::pair<uint32_t, int>;

constexpr size_t kMaxReportedColumns = 20;

Suspicion SuspectByName(const PiiColumn& column) {
  for (const TypePart& part : column.type->parts) {
    if (part.kind == TypePart::Kind::kNetwork) return {"ip", "its type"};
    std::string rule = SuspectName(column.mask->name, part.kind);
    if (!rule.empty()) return {rule, "its name"};
    rule = SuspectName(part.attributes, part.kind);
    if (!rule.empty()) return {rule, fmt::format("its attribute {}", part.attributes)};
  }
  return {};
}

// Returns the columns on both sides of each foreign key.
std::vector<std::pair<ColumnId, ColumnId>> TiesOf(const MaskFacts& facts) {
  std::vector<std::pair<ColumnId, ColumnId>> ties;
  for (const MaskFacts::Reference& reference : facts.references) {
    ties.push_back({{reference.table, reference.column}, {reference.referenced_table, reference.referenced_column}});
  }
  return ties;
}

// Adds columns that foreign keys tie to findings, until there are no more.
void AddReferences(const std::vector<PiiColumn>& columns, const MaskFacts& facts, std::vector<PiiFinding>* findings) {
  std::map<ColumnId, const PiiColumn*> left;
  for (const PiiColumn& column : columns) left[column.id()] = &column;
  for (const PiiFinding& finding : *findings) left.erase(finding.column.id());
  std::multimap<ColumnId, ColumnId> tied;
  for (const auto& [from, to] : TiesOf(facts)) {
    tied.emplace(from, to);
    tied.emplace(to, from);
  }
  for (size_t i = 0; i < findings->size(); ++i) {
    const PiiFinding known = (*findings)[i];
    const auto [begin, end] = tied.equal_range(known.column.id());
    for (auto other = begin; other != end; ++other) {
      const auto column = left.find(other->second);
      if (column == left.end()) continue;
      findings->push_back(
          {*column->second, {known.suspicion.rule, fmt::format("a foreign key with {}", known.column.pattern)}});
      left.erase(column);
    }
  }
}

// Groups columns that must have the same rule: those of one pattern, and those that foreign keys tie together.
class Groups {
 public:
  Groups(const std::vector<PiiFinding>& findings, const MaskFacts& facts) : parents_(findings.size()) {
    std::map<std::string, size_t> by_pattern;
    std::map<ColumnId, size_t> by_id;
    for (size_t i = 0; i < findings.size(); ++i) {
      parents_[i] = i;
      Join(i, by_pattern.emplace(findings[i].column.pattern, i).first->second);
      by_id[findings[i].column.id()] = i;
    }
    for (const auto& [from, to] : TiesOf(facts)) {
      const auto a = by_id.find(from), b = by_id.find(to);
      if (a != by_id.end() && b != by_id.end()) Join(a->second, b->second);
    }
  }
  // Returns the same number for all members of a group.
  size_t Of(size_t finding) const {
    while (parents_[finding] != finding) finding = parents_[finding];
    return finding;
  }

 private:
  void Join(size_t a, size_t b) { parents_[std::max(Of(a), Of(b))] = std::min(Of(a), Of(b)); }
  std::vector<size_t> parents_;
};

// Returns the wanted rule, then those that keep most of a value's form. Small noise is not offered for numbers that
// identify a person: most of their digits would stay.
std::vector<MaskRule> CandidatesFor(const std::string& wanted, const std::string& constant) {
  std::vector<MaskRule> candidates;
  for (const MaskKind kind : {RowNamed(wanted)->kind, MaskKind::kText, MaskKind::kHash, MaskKind::kUuid, MaskKind::kIp,
                              MaskKind::kNull, MaskKind::kConstant}) {
    if (kind == MaskKind::kJson || (kind == MaskKind::kConstant && constant.empty())) continue;
    candidates.push_back(SuggestedRule(kind));
    if (kind == MaskKind::kConstant) candidates.back().value = constant;
  }
  candidates.push_back(SuggestedRule(MaskKind::kNumber));
  candidates.back().by = 1'000'000'000;
  return candidates;
}

// Writes a suggested rule as a value of TOML. Optional settings are left out.
std::string Written(const MaskRule& rule) {
  const std::span<const MaskSetting> settings = RowOf(rule.kind).settings;
  const bool needed =
      std::any_of(settings.begin(), settings.end(), [](const MaskSetting& setting) { return setting.required; });
  return needed ? RuleText(rule) : "\"" + rule.name + "\"";
}

bool CanMask(const MaskRule& candidate, const PiiColumn& column, bool tied) {
  MaskColumn mask = *column.mask;
  mask.unique |= tied;
  if (candidate.kind == MaskKind::kConstant && candidate.value != column.type->constant) return false;
  try {
    (void)MakeMasker(candidate, mask, MaskSecret());
    return true;
  } catch (const Error&) {
    return false;  // The column is too short, of another type, or must be unique.
  }
}

// Returns a rule for one group; empty if no rule fits all of its members.
std::string RuleForAll(const std::vector<const PiiFinding*>& group) {
  bool tied = false;
  for (const PiiFinding* finding : group) tied |= finding->column.pattern != group[0]->column.pattern;
  for (const MaskRule& candidate : CandidatesFor(group[0]->suspicion.rule, group[0]->column.type->constant)) {
    if (std::all_of(group.begin(), group.end(),
                    [&](const PiiFinding* finding) { return CanMask(candidate, finding->column, tied); })) {
      return Written(candidate);
    }
  }
  return "";
}

}  // namespace

std::vector<PiiFinding> DetectByName(const std::vector<PiiColumn>& columns, const MaskFacts& facts) {
  std::vector<PiiFinding> findings;
  for (const PiiColumn& column : columns) {
    Suspicion suspicion = SuspectByName(column);
    if (!suspicion.rule.empty()) findings.push_back({column, std::move(suspicion)});
  }
  AddReferences(columns, facts, &findings);
  return findings;
}

std::vector<PiiFinding> DetectPii(const std::vector<PiiColumn>& columns, const MaskFacts& facts, PiiSampler* sampler) {
  std::vector<PiiFinding> findings = DetectByName(columns, facts);
  if (sampler == nullptr) return findings;
  std::set<ColumnId> found;
  for (const PiiFinding& finding : findings) found.insert(finding.column.id());
  std::vector<PiiColumn> others;
  for (const PiiColumn& column : columns) {
    if (found.count(column.id()) == 0) others.push_back(column);
  }
  const std::vector<Suspicion> suspicions = sampler->Look(others);
  for (size_t i = 0; i < others.size(); ++i) {
    if (!suspicions[i].rule.empty()) findings.push_back({others[i], suspicions[i]});
  }
  AddReferences(columns, facts, &findings);
  return findings;
}

std::vector<PiiRule> RulesFor(const std::vector<PiiFinding>& findings, const MaskFacts& facts) {
  const Groups groups(findings, facts);
  std::map<size_t, std::vector<const PiiFinding*>> members;
  for (size_t i = 0; i < findings.size(); ++i) members[groups.Of(i)].push_back(&findings[i]);
  std::map<std::string, PiiRule> rules;
  for (const auto& [group, of_group] : members) {
    const std::string rule = RuleForAll(of_group);
    for (const PiiFinding* finding : of_group) {
      rules.try_emplace(finding->column.pattern,
                        PiiRule{.pattern = finding->column.pattern, .rule = rule, .reason = finding->suspicion.reason});
    }
  }
  std::vector<PiiRule> sorted;
  for (auto& [pattern, rule] : rules) sorted.push_back(std::move(rule));
  return sorted;
}

void RefusePii(const std::vector<PiiFinding>& findings, const MaskFacts& facts) {
  if (findings.empty()) return;
  const std::vector<PiiRule> rules = RulesFor(findings, facts);
  std::string all;
  for (size_t i = 0; i < rules.size() && i < kMaxReportedColumns; ++i) {
    all += fmt::format("{}{} looks personal by {}, and has no rule ({}\"keep\" keeps it)", i == 0 ? "" : "; ",
                       rules[i].pattern, rules[i].reason,
                       rules[i].rule.empty() ? "" : fmt::format("{} would mask it, ", rules[i].rule));
  }
  if (rules.size() > kMaxReportedColumns) all += fmt::format("; and {} more", rules.size() - kMaxReportedColumns);
  throw Error(
      ErrorCode::kUsage, "masking: " + all,
      "add a line for each to [mask] of rotv.toml, as rotv-sync mask suggest writes them, or \"schema.table\" = "
      "\"keep\" for a table that is fine; nothing was written (docs/masking.md)");
}

}  // namespace rotv::mask
