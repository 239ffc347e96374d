#include "sync/mask/permutation.h"

#include <cmath>

#include "storage/error.h"

namespace rotv::mask {
namespace {

__extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using): the word in front needs it.

// A number as two digits of a base, each of which is moved in turns by what the other one hashes to: a Feistel network
// that adds. Its rounds' keys come from a keyed hash; the rounds themselves are SplitMix64's mixer.
class Network {
 public:
  Network(uint64_t hash, uint64_t size) : base_(static_cast<uint64_t>(std::sqrt(static_cast<double>(size)))) {
    while (base_ * base_ < size) ++base_;
    for (uint64_t& key : keys_) key = Mix(hash += 0x9E3779B97F4A7C15);
  }

  // There and back again, with one step between: a single cycle through all numbers, so that none stays where it is.
  uint64_t Step(uint64_t number) const {
    uint64_t low = number % base_, high = number / base_;
    for (int round = 0; round < kRounds; ++round) {
      uint64_t& moved = round % 2 == 0 ? low : high;
      moved += Move(round % 2 == 0 ? high : low, round);
      if (moved >= base_) moved -= base_;
    }
    if (++low == base_) {
      low = 0;
      if (++high == base_) high = 0;
    }
    for (int round = kRounds - 1; round >= 0; --round) {
      uint64_t& moved = round % 2 == 0 ? low : high;
      const uint64_t move = Move(round % 2 == 0 ? high : low, round);
      moved = moved >= move ? moved - move : moved + base_ - move;
    }
    return high * base_ + low;
  }

 private:
  static constexpr int kRounds = 4;

  static uint64_t Mix(uint64_t z) {
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }
  // Below base_.
  uint64_t Move(uint64_t other, int round) const {
    return static_cast<uint64_t>(static_cast<Wide>(Mix(other ^ keys_[round])) * base_ >> 64);
  }

  uint64_t base_;
  uint64_t keys_[kRounds];
};

}  // namespace

// What falls on a number that is too large goes on from there until it does not, which keeps it a cycle through all
// that are not.
uint64_t Permutation::Apply(std::string_view context, uint64_t size, uint64_t number) const {
  // Such a number is on no cycle through the others: the walk would not end.
  if (number >= size) throw Error(ErrorCode::kBug, "a number outside of what is permuted");
  if (size == 1) return number;
  const Network network(hash_(context), size);
  do {
    number = network.Step(number);
  } while (number >= size);
  return number;
}

}  // namespace rotv::mask
