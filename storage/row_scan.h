// RowScan is a walk over the rows of one table at one LSN.

#pragma once

#include <cstdint>
#include <string_view>

namespace rotv {

// The rows of one table at one LSN, in key order.
class RowScan {
 public:
  virtual ~RowScan() = default;
  // Goes to the next row; false at the end. Throws kCorrupt on a failed checksum or an unresolvable partial row.
  virtual bool Next() = 0;
  // Goes past the next rows, if they lie together as they are wanted, and gives their lines, each with its newline;
  // valid until the next call. No rows: the next one has to be asked for by Next(). A scan that passes rows over in
  // this way has no line() and row_key() of them.
  struct Lines {
    std::string_view text;
    uint32_t rows = 0;
  };
  virtual Lines NextLines() { return {}; }
  // One line of COPY text without its newline; valid until Next(), NextLines() or Find(). In a multiset equal rows come
  // one by one.
  virtual std::string_view line() const = 0;
  virtual std::string_view row_key() const = 0;
  // Counts the rows of this key: more than one only in a multiset. If there are any, line() is one of them until the
  // next call, and Next() goes on after them, unless the scan is one for kSomeRows: it has Find() only. Keys may come
  // in any order; ascending ones are cheaper.
  virtual uint32_t Find(std::string_view row_key) = 0;
};

}  // namespace rotv
