// Adds noise to exact numbers: integers and numeric.

#pragma once

#include <cstdint>
#include <string>

#include "sync/mask/keyed_hash.h"
#include "sync/mask/masker.h"
#include "sync/mask/permutation.h"

namespace rotv::mask {

__extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using): __extension__ needs a typedef.

// Permutes the numbers of each sign and scale within a distance of less than rule.by. The work is linear in the
// number's digits, and the result has at most one more digit. NaN and the infinities stay.
class NumberNoise : public Masker {
 public:
  NumberNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

  bool Append(std::string_view value, std::string* out) const override;

 private:
  // The digits of a number without its sign and point; the last `scale` of them are its fraction.
  struct Digits {
    bool negative = false;
    size_t scale = 0;
    std::string text;
  };
  // The positions at which the parts of a number begin: digits that stay, the number that is moved by less than `by`,
  // zeros, the finer digits.
  struct Parts {
    size_t moved = 0;
    size_t moved_end = 0;
    size_t fine = 0;
    size_t moved_scale = 0;  // How many digits of the fraction are moved.
  };

  // Throws kProtocol.
  static void Read(std::string_view value, Digits* digits);

  void Permute(Digits* digits) const;
  bool IsForbidden(const Digits& digits) const;
  Parts PartsOf(const Digits& digits) const;
  // The first and the last of the numbers that a number may become.
  struct Range {
    Wide first = 0;
    Wide last = 0;
  };
  Range WholeRangeOf(Wide number) const;
  Range RangeOf(Wide number, const Parts& parts, size_t size, unsigned from_one) const;
  Wide Move(Wide number, Range range, const Parts& parts, std::string* context) const;
  void PermuteFine(std::string_view digits, size_t begin, std::string* out) const;

  const MaskColumn column_;
  const uint64_t by_;
  const bool by_value_;    // 1.5 and 1.50 are masked alike, and no other number gets their masked value.
  size_t most_scale_ = 0;  // The most digits of a fraction with which a block of `by` can be permuted as a whole.
  const KeyedHash fine_;
  const Permutation permutation_;
};

}  // namespace rotv::mask
