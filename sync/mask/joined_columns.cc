#include "sync/mask/joined_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "sync/mask/stored_mask.h"
#include "sync/mask/type_names.h"

namespace rotv::mask {

// A foreign key compares by the types' equality, a masker by bytes. So a masker has to make one form of all values that
// are equal: of texts that ignore case, of numbers with zeros at the end, of char(n) with its blanks. That is possible
// only if both ends have the same equality and write equal values in ways that are known. Two types, such as int4 and
// numeric or date and timestamp, are refused: what "number" and "date" do depends on the form of a value. Whole numbers
// of several widths agree: all keep the numbers of the narrowest type within it.

namespace {

constexpr std::array<const char*, 3> kWholeNumbers = {"int2", "int4", "int8"};  // From the narrowest on.

bool IsPlainText(const std::string& type) { return IsOneOf(type, {"text", "varchar", "name"}); }
bool IsWhole(const std::string& type) { return IsOneOf(type, {"int2", "int4", "int8"}); }

const std::string& NarrowestOf(const MaskColumn& column) {
  return column.narrowest.empty() ? column.type : column.narrowest;
}

bool IsNarrower(const std::string& type, const std::string& other) {
  return std::find(kWholeNumbers.begin(), kWholeNumbers.end(), type) <
         std::find(kWholeNumbers.begin(), kWholeNumbers.end(), other);
}

// Sets both to the lesser one; 0 is no limit. Returns true if one was another.
bool Lessen(int* a, int* b) {
  const int least = *a == 0 || *b == 0 ? std::max(*a, *b) : std::min(*a, *b);
  const bool changes = *a != least || *b != least;
  *a = *b = least;
  return changes;
}

bool Align(MaskColumn* from, MaskColumn* to) {
  bool changed = !from->unique || !to->unique || from->ignores_case != to->ignores_case;
  from->unique = to->unique = true;
  from->ignores_case = to->ignores_case = from->ignores_case || to->ignores_case;
  // The length decides which form an e-mail address has.
  if (IsPlainText(from->type) && IsPlainText(to->type)) changed |= Lessen(&from->limit, &to->limit);
  const std::string narrowest =
      IsNarrower(NarrowestOf(*from), NarrowestOf(*to)) ? NarrowestOf(*from) : NarrowestOf(*to);
  for (MaskColumn* column : {from, to}) {
    if (!IsWhole(column->type) || NarrowestOf(*column) == narrowest) continue;
    column->narrowest = narrowest;
    changed = true;
  }
  return changed;
}

// Returns why values that are equal for a foreign key between these columns need not be equal once both are masked.
std::string WhyNotEqual(const MaskColumn& from, const MaskColumn& to) {
  const bool same_type = from.type == to.type || (IsPlainText(from.type) && IsPlainText(to.type)) ||
                         (IsWhole(from.type) && IsWhole(to.type));
  if (!same_type) return fmt::format("one is {} and the other {}", from.type, to.type);
  if (!from.equality_known || !to.equality_known || from.equality != to.equality) {
    return "their texts may be equal without being the same";
  }
  const bool same_length = from.type != "bpchar" || from.limit == to.limit;
  if (!same_length || from.precision != to.precision || from.scale != to.scale) return "they have different lengths";
  return "";
}

bool IsNull(const MaskRule* rule) { return rule != nullptr && rule->kind == MaskKind::kNull; }

// Returns why values that are equal for a foreign key may be masked differently.
std::string WhyViolated(const ReferenceEnd& from, const ReferenceEnd& to) {
  for (const ReferenceEnd* end : {&from, &to}) {
    if (end->masked_base.empty()) continue;
    return fmt::format("{} is computed from {}, which is masked (take that rule away, or use \"drop\" for the table)",
                       end->name, end->masked_base);
  }
  const auto bytes = [](const MaskRule* rule) { return rule == nullptr ? "" : StoredRule(*rule).SerializeAsString(); };
  if (bytes(from.rule) != bytes(to.rule)) return "both need the same rule (or \"null\" for the one that references)";
  const std::string why = from.rule == nullptr ? "" : WhyNotEqual(*from.column, *to.column);
  if (why.empty()) return "";
  return fmt::format("{}, so \"{}\" need not keep them equal (use \"null\" for the one that references, or no rule)",
                     why, from.rule->name);
}

}  // namespace

std::vector<std::string> JoinReferences(const std::vector<MaskFacts::Reference>& references,
                                        const std::function<ReferenceEnd(uint32_t table, int column)>& end_of) {
  std::vector<std::string> problems;
  std::vector<std::pair<MaskColumn*, MaskColumn*>> joined;
  std::map<uint32_t, std::pair<std::string, std::string>> nulls;  // By foreign key: a column that becomes NULL, and one
                                                                  // that does not.
  for (const MaskFacts::Reference& reference : references) {
    const ReferenceEnd from = end_of(reference.table, reference.column);
    const ReferenceEnd to = end_of(reference.referenced_table, reference.referenced_column);
    if (from.without_rows || to.without_rows) continue;
    auto& [null, other] = nulls[reference.constraint];
    (IsNull(from.rule) ? null : other) = from.name;
    if (reference.match_full && reference.enforced && !null.empty() && !other.empty()) {
      problems.push_back(
          fmt::format("{}: \"null\", but not for {}, violates the foreign key {}, which is MATCH FULL "
                      "(use it for both)",
                      null, other, reference.name));
    }
    if (IsNull(from.rule)) continue;
    const std::string why = WhyViolated(from, to);
    if (why.empty() && from.rule != nullptr) joined.emplace_back(from.column, to.column);
    if (!why.empty() && reference.enforced) {
      problems.push_back(fmt::format("{} references {}: {}", from.name, to.name, why));
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [from, to] : joined) changed |= Align(from, to);
  }
  return problems;
}

}  // namespace rotv::mask
