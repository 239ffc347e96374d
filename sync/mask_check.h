// Proves on the store that nothing that is masked is left.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/context/context.h"
#include "sync/mask/mask_history.h"

namespace rotv {

struct MaskedColumnCheck {
  std::string column;     // public.users.email, quoted where it has to be.
  std::string rule;       // "email"
  uint64_t sampled = 0;   // Values of the source, not NULL.
  uint64_t masked = 0;    // Of those whose row has exactly what the rule makes of them.
  uint64_t unmasked = 0;  // Of those whose row has the source's value.
  // All others' rows have changed since the last pull, or are not there yet.
};

// Sampled values of a masked column that stand in a column without a rule, as a part of it or whole.
struct MaskLeak {
  std::string column;
  std::string found_in;  // A column, that in earlier states, or the path of a seed.
  uint64_t rows = 0;     // Of a seed: lines.
};

struct MaskCheckResult {
  Lsn lsn;  // The head, which was looked at.
  std::vector<MaskedColumnCheck> columns;
  std::vector<MaskLeak> leaks;
  std::vector<mask::MaskHistory::Lost> lost;
  std::vector<std::string> carried_masks;  // As PullResult's.
  uint64_t rows = 0;                       // Looked through.
  uint64_t versions = 0;                   // Of rows in earlier states, looked through.
  std::vector<std::string> seeds;          // Looked through: those of the source in HOME.
  double seconds = 0;

  bool clean() const;
};

// Samples at most kMaskCheckRows rows of each table with rules on the source, compares them with their rows at the
// head, and looks for their values (of eight bytes at least; not for words that masks are made of) in every other
// column of the head, in all versions of rows that the store has, and in the source's seeds in HOME. What is masked is
// what the stored schemas say, also by rules that the config does not have. Changes nothing. Throws kUsage if there is
// no baseline, or nothing is masked; what SourceSession throws.
MaskCheckResult CheckMasks(const Context& context);

inline constexpr int kMaskCheckRows = 500;

}  // namespace rotv
