// A condition is parsed or refused, and means the same when it is written in full; of two values exactly one is
// smaller, or they are equal; a row is judged the same as a line of COPY and as a tuple. An input is a condition, a
// byte that chooses a type, and values on lines of their own.

#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "sync/context/row_condition.h"
#include "sync/formats/copy_text.h"
#include "sync/mask/row_filter.h"
#include "sync/mask/value_test.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::mask {
namespace {

constexpr const char* kTypes[] = {"int4", "numeric", "float8", "date",  "timestamptz", "text",
                                  "uuid", "bpchar",  "bool",   "bytea", "timestamp",   "oid"};
constexpr const char* kSigns[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};

std::string Quoted(char quote, std::string_view text) {
  std::string quoted(1, quote);
  for (const char c : text) quoted += c == quote ? std::string(2, quote) : std::string(1, c);
  return quoted + quote;
}

std::string Written(const RowCondition& condition) {
  std::string text = Quoted('"', condition.column);
  if (condition.comparison == Comparison::kIsNull) return text + " is null";
  if (condition.comparison == Comparison::kIsNotNull) return text + " is not null";
  return text + kSigns[static_cast<size_t>(condition.comparison)] + Quoted('\'', condition.value);
}

bool Same(const RowCondition& a, const RowCondition& b) {
  return a.column == b.column && a.comparison == b.comparison && a.value == b.value;
}

std::unique_ptr<const ValueTest> TestOf(Comparison comparison, std::string_view value, const std::string& type) {
  std::unique_ptr<const ValueTest> test;
  AcceptedOr(ErrorCode::kUsage, [&] {
    test = MakeValueTest({.column = "c", .comparison = comparison, .value = std::string(value)}, type);
  });
  return test;
}

// nullopt: the value is not of the type.
std::optional<bool> Holds(const ValueTest& test, std::string_view value) {
  bool holds = false;
  if (!AcceptedOr(ErrorCode::kProtocol, [&] { holds = test.Holds(value); })) return std::nullopt;
  return holds;
}

void CheckOrder(const std::string& type, std::string_view a, std::string_view b) {
  const auto equal = TestOf(Comparison::kEqual, b, type), other = TestOf(Comparison::kNotEqual, b, type);
  FuzzCheck((equal == nullptr) == (other == nullptr));
  if (equal == nullptr) return;
  const std::optional<bool> is_equal = Holds(*equal, a), is_other = Holds(*other, a);
  FuzzCheck(is_equal.has_value() == is_other.has_value() && (!is_equal || *is_equal != *is_other));
  const auto less = TestOf(Comparison::kLess, b, type), more = TestOf(Comparison::kGreater, b, type);
  if (!is_equal || less == nullptr) return;
  const bool is_less = *Holds(*less, a), is_more = *Holds(*more, a);
  FuzzCheck(static_cast<int>(is_less) + static_cast<int>(is_more) + static_cast<int>(*is_equal) == 1);
  FuzzCheck(*Holds(*TestOf(Comparison::kLessOrEqual, b, type), a) == !is_more);
  FuzzCheck(*Holds(*TestOf(Comparison::kGreaterOrEqual, b, type), a) == !is_less);
  // The other way round.
  const auto reverse = TestOf(Comparison::kGreater, a, type);
  FuzzCheck(reverse != nullptr && Holds(*reverse, b) == is_less);
}

void CheckRow(const RowCondition& condition, const std::string& type, std::string_view value) {
  proto::Shape shape;
  shape.add_columns()->set_number(1);
  shape.add_columns()->set_number(2);
  proto::Table table;
  *table.mutable_mask()->add_conditions() = StoredCondition(condition, 2, type);
  FuzzCheck(Same(ConditionOf(table.mask().conditions(0)), condition));
  std::optional<RowFilter> filter;
  if (!AcceptedOr(ErrorCode::kUsage, [&] { filter.emplace(table, shape); })) return;
  using formats::pgoutput::Column;
  for (const Column::Kind kind : {Column::Kind::kText, Column::Kind::kNull}) {
    const bool null = kind == Column::Kind::kNull;
    const formats::pgoutput::Tuple tuple = {{.kind = Column::Kind::kText, .text = "1"},
                                            {.kind = kind, .text = null ? std::string_view() : value}};
    const formats::pgoutput::Tuple unchanged = {tuple[0], {.kind = Column::Kind::kUnchangedToast}};
    std::string line = "1\t";
    if (null) {
      line += formats::kCopyNull;
    } else {
      formats::AppendCopyEscaped(value, &line);
    }
    auto of_line = RowFilter::Verdict::kUnknown, of_tuple = of_line;
    const bool line_read = AcceptedOr(ErrorCode::kProtocol, [&] { of_line = filter->Line(line); });
    const bool tuple_read = AcceptedOr(ErrorCode::kProtocol, [&] { of_tuple = filter->Row(tuple, nullptr); });
    FuzzCheck(line_read == tuple_read && of_line == of_tuple);
    if (!tuple_read) continue;
    FuzzCheck(of_tuple != RowFilter::Verdict::kUnknown);
    FuzzCheck(filter->Row(unchanged, &tuple) == of_tuple);
    FuzzCheck(filter->Row(unchanged, nullptr) == RowFilter::Verdict::kUnknown);
  }
}

void CheckCondition(std::string_view bytes) {
  FuzzInput input(bytes);
  const std::string_view text = input.Line();
  const std::string type = kTypes[input.Byte() % std::size(kTypes)];
  const std::string_view first = input.Line(), second = input.Line();
  CheckOrder(type, first, second);
  CheckOrder(type, first, first);
  const std::optional<RowCondition> condition = ParseRowCondition(text);
  if (!condition) return;
  const std::optional<RowCondition> again = ParseRowCondition(Written(*condition));
  FuzzCheck(again && Same(*again, *condition));
  CheckRow(*condition, type, first);
}

}  // namespace
}  // namespace rotv::mask

ROTV_FUZZ_TARGET(row_condition, rotv::mask::CheckCondition)
