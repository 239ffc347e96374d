// Which rows of a table are kept where rules keep those for which conditions hold. Pure.

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

// The other way round. Throws kCorrupt if it is a later version's.
RowCondition ConditionOf(const proto::RowCondition& stored);

class RowFilter {
 public:
  // For rows of `shape` before they are masked. Throws kCorrupt if the table's conditions are not understood.
  RowFilter(const proto::Table& table, const proto::Shape& shape);

  // All rows are kept.
  bool empty() const { return conditions_.empty(); }

  // Whether the shape has all columns that it asks for.
  bool complete() const;

  // kUnknown: no condition fails, and one is about a value that is not there: it was not sent since it has not changed,
  // or the shape does not have its column.
  enum class Verdict { kNo, kYes, kUnknown };

  // Of a line of COPY.
  Verdict Line(std::string_view line);
  // Of a tuple; what it does not have is taken from `old`, which may be null.
  Verdict Row(const formats::pgoutput::Tuple& row, const formats::pgoutput::Tuple* old) const;

 private:
  struct Condition {
    int index;  // In the shape; -1: it is not there.
    bool wants_null;
    std::unique_ptr<const ValueTest> test;
  };

  const size_t columns_;
  std::vector<Condition> conditions_;
  std::vector<std::string_view> fields_;
  std::string scratch_;
};

}  // namespace rotv::mask
