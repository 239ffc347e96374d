// Decides which rows of a table are kept if a rule keeps those for which conditions hold. Pure.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "sync/context/row_condition.h"
#include "sync/formats/pgoutput.h"
#include "sync/mask/value_test.h"

namespace rotv::mask {

proto::RowCondition StoredCondition(const RowCondition& condition, uint32_t number, const std::string& type);

// Reverses StoredCondition(). Throws kCorrupt if the condition is of a later version.
RowCondition ConditionOf(const proto::RowCondition& stored);

class RowFilter {
 public:
  // Filters rows of `shape` before they are masked. Throws kCorrupt if the table's conditions are not understood.
  RowFilter(const proto::Table& table, const proto::Shape& shape);

  // True if all rows are kept.
  bool empty() const { return conditions_.empty(); }

  // True if the shape has all columns that the conditions use.
  bool complete() const;

  // kUnknown: no condition fails, and one is about a value that is missing: it was not sent because it has not changed,
  // or the shape does not have its column.
  enum class Verdict { kNo, kYes, kUnknown };

  // Judges a line of COPY.
  Verdict Line(std::string_view line);
  // Judges a tuple; values that it does not have are taken from `old`, which may be null.
  Verdict Row(const formats::pgoutput::Tuple& row, const formats::pgoutput::Tuple* old) const;

 private:
  struct Condition {
    int index;  // Index in the shape; -1: it does not have the column.
    bool wants_null;
    std::unique_ptr<const ValueTest> test;
  };

  const size_t columns_;
  std::vector<Condition> conditions_;
  std::vector<std::string_view> fields_;
  std::string scratch_;
};

}  // namespace rotv::mask
