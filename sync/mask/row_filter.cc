#include "sync/mask/row_filter.h"

#include <algorithm>

#include "storage/error.h"
#include "sync/formats/copy_text.h"
#include "sync/mask/value_test.h"

namespace rotv::mask {
namespace {

constexpr proto::Comparison kStored[] = {proto::COMPARISON_EQUAL,   proto::COMPARISON_NOT_EQUAL,
                                         proto::COMPARISON_LESS,    proto::COMPARISON_LESS_OR_EQUAL,
                                         proto::COMPARISON_GREATER, proto::COMPARISON_GREATER_OR_EQUAL,
                                         proto::COMPARISON_IS_NULL, proto::COMPARISON_IS_NOT_NULL};

}  // namespace

proto::RowCondition StoredCondition(const RowCondition& condition, uint32_t number, const std::string& type) {
  proto::RowCondition stored;
  stored.set_number(number);
  stored.set_name(condition.column);
  stored.set_comparison(kStored[static_cast<size_t>(condition.comparison)]);
  stored.set_value(condition.value);
  stored.set_type(type);
  return stored;
}

RowCondition ConditionOf(const proto::RowCondition& stored) {
  for (size_t i = 0; i < std::size(kStored); ++i) {
    if (kStored[i] != stored.comparison()) continue;
    return {.column = stored.name(), .comparison = static_cast<Comparison>(i), .value = stored.value()};
  }
  // A later version has written it.
  throw Error(ErrorCode::kCorrupt, "the store's rows were filtered by a condition that this version does not know");
}

RowFilter::RowFilter(const proto::Table& table, const proto::Shape& shape)
    : columns_(static_cast<size_t>(shape.columns_size())) {
  for (const proto::RowCondition& stored : table.mask().conditions()) {
    RowCondition condition = ConditionOf(stored);
    int index = -1;
    for (int i = 0; i < shape.columns_size(); ++i) {
      if (shape.columns(i).number() == stored.number()) index = i;
    }
    conditions_.push_back(
        {index, condition.comparison == Comparison::kIsNull, MakeValueTest(condition, stored.type())});
  }
}

bool RowFilter::complete() const {
  return std::all_of(conditions_.begin(), conditions_.end(), [](const Condition& one) { return one.index >= 0; });
}

RowFilter::Verdict RowFilter::Line(std::string_view line) {
  if (conditions_.empty()) return Verdict::kYes;
  formats::SplitCopyLine(line, columns_, &fields_);
  Verdict verdict = Verdict::kYes;
  for (const Condition& condition : conditions_) {
    if (condition.index < 0) {
      verdict = Verdict::kUnknown;
      continue;
    }
    std::string_view field = fields_[static_cast<size_t>(condition.index)];
    bool holds = field == formats::kCopyNull ? condition.wants_null
                                             : condition.test->Holds(formats::UnescapeCopyField(field, &scratch_));
    if (!holds) return Verdict::kNo;
  }
  return verdict;
}

RowFilter::Verdict RowFilter::Row(const formats::pgoutput::Tuple& row, const formats::pgoutput::Tuple* old) const {
  using Kind = formats::pgoutput::Column::Kind;
  Verdict verdict = Verdict::kYes;
  for (const Condition& condition : conditions_) {
    const auto index = static_cast<size_t>(condition.index);
    const formats::pgoutput::Column* column = condition.index >= 0 && index < row.size() ? &row[index] : nullptr;
    if (column != nullptr && column->kind == Kind::kUnchangedToast) {
      column = old != nullptr && index < old->size() ? &(*old)[index] : nullptr;
    }
    if (column == nullptr || column->kind == Kind::kUnchangedToast) {
      verdict = Verdict::kUnknown;
      continue;
    }
    bool holds = column->kind == Kind::kNull ? condition.wants_null : condition.test->Holds(column->text);
    if (!holds) return Verdict::kNo;
  }
  return verdict;
}

}  // namespace rotv::mask
