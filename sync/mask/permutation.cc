#include "sync/mask/permutation.h"

#include <cmath>
#include <string>

namespace rotv {
namespace {

constexpr int kRounds = 4;  // Of a Feistel network: a permutation like any other, for who sees only its images.

void AppendNumber(uint64_t number, std::string* out) {
  for (int shift = 0; shift < 64; shift += 8) out->push_back(static_cast<char>(number >> shift));
}

// The next value in the order of the numbers that the digits write; the first one behind the last.
void Increment(std::vector<Digit>* digits) {
  for (Digit& digit : *digits) {
    if (++digit.value < digit.radix) return;
    digit.value = 0;
  }
}

std::vector<Digit> DigitsOf(uint64_t number, uint64_t base, size_t count) {
  std::vector<Digit> digits(count);
  for (Digit& digit : digits) {
    digit = {static_cast<uint32_t>(number % base), static_cast<uint32_t>(base)};
    number /= base;
  }
  return digits;
}

}  // namespace

// Each half of the digits is moved by what the other half hashes to, in turns.
void Permutation::Move(uint64_t context, int round, Direction direction, std::vector<Digit>* digits) const {
  const size_t middle = digits->size() / 2;
  const size_t begin = round % 2 == 0 ? 0 : middle, end = round % 2 == 0 ? middle : digits->size();
  std::string other;
  AppendNumber(context + static_cast<uint64_t>(round), &other);
  for (size_t i = 0; i < digits->size(); ++i) {
    if (i >= begin && i < end) continue;
    for (int shift = 0; shift < 32; shift += 8) other.push_back(static_cast<char>((*digits)[i].value >> shift));
  }
  HashStream moves(hash_(other));
  for (size_t i = begin; i < end; ++i) {
    Digit& digit = (*digits)[i];
    const uint32_t move = moves.Below(digit.radix);
    const uint64_t moved = uint64_t{digit.value} + (direction == Direction::kForward ? move : digit.radix - move);
    digit.value = static_cast<uint32_t>(moved % digit.radix);
  }
}

void Permutation::Turn(uint64_t context, Direction direction, std::vector<Digit>* digits) const {
  for (int i = 0; i < kRounds; ++i) {
    Move(context, direction == Direction::kForward ? i : kRounds - 1 - i, direction, digits);
  }
}

// There and back again, with one step between: a single cycle through all values, so that none stays where it is.
void Permutation::Apply(std::string_view context, std::vector<Digit>* digits) const {
  std::string all(context);
  for (const Digit& digit : *digits) AppendNumber(digit.radix, &all);
  const uint64_t hash = hash_(all);
  Turn(hash, Direction::kForward, digits);
  Increment(digits);
  Turn(hash, Direction::kBackward, digits);
}

// Numbers are written with two digits of a base that reaches; what falls on a number that is too large goes on from
// there until it does not, which keeps it a cycle through all that are not.
uint64_t Permutation::Apply(std::string_view context, uint64_t size, uint64_t number) const {
  if (size < 2) return number;
  auto base = static_cast<uint64_t>(std::sqrt(static_cast<double>(size)));
  while (base * base < size) ++base;
  do {
    std::vector<Digit> digits = DigitsOf(number, base, 2);
    Apply(context, &digits);
    number = digits[1].value * base + digits[0].value;
  } while (number >= size);
  return number;
}

}  // namespace rotv
