// Moves a number within its block of neighbours, which is what "number" and "date" do. Pure.

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "sync/mask/permutation.h"

namespace rotv::mask {

// Appends the number's bytes, as a part of a permutation's context.
template <typename Number>
void AppendBytes(Number number, std::string* out) {
  out->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

// Appends `number` in decimal digits, with leading zeros to at least `at_least` of them (at most 40).
template <typename Number>
void AppendDigits(Number number, size_t at_least, std::string* out) {
  char digits[40];
  char* begin = std::end(digits);
  for (; number > 0 || static_cast<size_t>(std::end(digits) - begin) < at_least; number /= 10) {
    *--begin = static_cast<char>('0' + static_cast<int>(number % 10));
  }
  out->append(begin, std::end(digits));
}

template <typename Number>
struct Blocks {
  uint64_t size = 0;  // Blocks begin at multiples of it.
  Number first = 0;   // The least number of the type, and
  Number last = 0;    // the greatest: the last block ends there.
};

// Permutes the block that `number` is in; it must lie between blocks.first and blocks.last. Appends the block to
// `context`.
template <typename Number>
Number MoveInBlock(const Permutation& permutation, std::string* context, Number number, const Blocks<Number>& blocks) {
  const auto size = static_cast<Number>(blocks.size);
  Number index = number / size;
  if (index * size > number) index -= 1;  // The division rounds towards zero.
  AppendBytes(index, context);
  const Number start = index * size;
  const Number begin = std::max(start, blocks.first);
  const Number end = blocks.last - start < size ? blocks.last : start + size - 1;
  return begin + static_cast<Number>(permutation.Apply(*context, static_cast<uint64_t>(end - begin) + 1,
                                                       static_cast<uint64_t>(number - begin)));
}

}  // namespace rotv::mask
