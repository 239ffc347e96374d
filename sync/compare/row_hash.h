// Computes one number for a row, on the source by SQL and here from the stored line: equal rows have equal numbers. It
// is computed from the text of the row's values, as COPY has it, and from which of them are NULL. Pure.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::compare {

// Returns an expression of type bigint over these columns, which are quoted as SQL needs it.
std::string RowHashSql(const std::vector<std::string>& columns);

class RowHasher {
 public:
  explicit RowHasher(size_t column_count) : column_count_(column_count) {}
  // Hashes only these columns, in order, of lines of `column_count`.
  RowHasher(size_t column_count, std::vector<size_t> chosen);

  // `line` is one line of COPY text without its newline. A line that COPY would never write gets a number, too.
  uint64_t Hash(std::string_view line);

 private:
  uint64_t HashOfLine(std::string_view line);
  uint64_t HashOfFields(std::string_view line);

  const size_t column_count_;       // Columns of the lines that are hashed.
  const size_t whole_columns_ = 0;  // Columns of the lines that are given, if these have more.
  const std::vector<size_t> chosen_;
  std::vector<std::string_view> fields_;
  std::string line_;
  std::string text_;
};

}  // namespace rotv::compare
