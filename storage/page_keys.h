// The keys of a page's rows mostly need not be stored, because they are the values of columns: this says of which.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rotv {

class PageKeys {
 public:
  // The columns from whose values in `line` this row key can be made; none() if there are no such columns, as far as
  // the text of COPY tells without knowledge of types.
  static PageKeys Guess(std::string_view row_key, std::string_view line);

  bool none() const { return parts_.empty(); }
  // Appends the row key that these columns of `line` make. False if they make none; then `*row_key` has any content.
  bool Append(std::string_view line, std::string* row_key) const;

  // As it is in a page: a number of columns, and each of them.
  void Encode(std::string* out) const;
  // Removes it from the begin of `*bytes`. Throws kCorrupt.
  static PageKeys Take(std::string_view* bytes);

  friend bool operator==(const PageKeys&, const PageKeys&) = default;

 private:
  struct Part {
    uint32_t column = 0;
    bool integer = false;
    friend bool operator==(const Part&, const Part&) = default;
  };
  std::vector<Part> parts_;
};

}  // namespace rotv
