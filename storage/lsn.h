// Lsn is a position in PostgreSQL's write-ahead log (WAL).
//
// The one rule of LSN arithmetic: a transaction is known by its commit LSN (the start of its commit record), and
// belongs to the state at `l` if and only if commit_lsn < l.

#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rotv {

class Lsn {
 public:
  constexpr Lsn() = default;
  constexpr explicit Lsn(uint64_t value) : value_(value) {}

  // Parses PostgreSQL's form, two hexadecimal numbers of at most 8 digits ("16/B374D848"); nullopt for anything else.
  static std::optional<Lsn> Parse(std::string_view text);

  constexpr uint64_t value() const { return value_; }
  std::string ToString() const;

  // clang-tidy 14 takes the code that the compiler generates for comparisons for a literal 0.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  friend constexpr auto operator<=>(Lsn, Lsn) = default;

 private:
  uint64_t value_ = 0;
};

// The bytes of WAL from `from` to `to`; 0 if `to` is not after `from`.
constexpr uint64_t BytesBetween(Lsn from, Lsn to) { return to > from ? to.value() - from.value() : 0; }

}  // namespace rotv
