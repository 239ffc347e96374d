// Which states of a store are to stay, and what of its history they need. Pure.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "storage/lsn.h"
#include "storage/row_version.h"

namespace rotv {

class Retention {
 public:
  // The states at these LSNs, and at every LSN from `keep_from` on.
  Retention(std::vector<Lsn> points, Lsn keep_from);

  Lsn keep_from() const { return keep_from_; }
  const std::vector<Lsn>& points() const { return points_; }  // Ascending, each once.

  // Whether a state that stays lies in (after, to].
  bool NeedsAny(Lsn after, Lsn to) const;

  // Which states that stay lie in (after, to]: nothing if none does; one of points(), or several (the states from
  // `keep_from` on count as several).
  enum class Needed { kByNone, kByOne, kBySeveral };
  Needed NeededIn(Lsn after, Lsn to, size_t* point) const;

 private:
  std::vector<Lsn> points_;
  Lsn keep_from_;
};

// Goes through the versions of all rows in the same way, and adds up what only one of the points needs.
class SoleNeeds {
 public:
  explicit SoleNeeds(const Retention& retention) : retention_(retention), bytes_(retention.points().size()) {}

  // Before the first version of each row.
  void EndRow();
  void Add(Lsn commit_lsn, RowVersion::Kind kind, size_t bytes);

  // Beside the retention's points().
  const std::vector<uint64_t>& bytes() const { return bytes_; }
  uint64_t total() const { return total_; }  // Of all versions.

 private:
  const Retention& retention_;
  std::vector<uint64_t> bytes_;
  uint64_t total_ = 0;
  std::optional<Lsn> newer_;
  bool fills_ = false;               // A partial one waits for what it lacks, which is needed by
  std::optional<size_t> fills_for_;  // this point alone; nothing: by several.
};

// Goes through the versions of one row after the other, the newest first, and tells which no state needs: those that
// none that stays sees, unless a newer partial one is made whole from them.
class RowSieve {
 public:
  // Called with the LSN of a version of the present row that is not needed; in no particular order.
  using Drop = std::function<void(Lsn)>;
  RowSieve(const Retention& retention, Drop drop) : retention_(retention), drop_(std::move(drop)) {}

  // Before the first version of each row, and behind the last of all.
  void EndRow();
  void Add(Lsn commit_lsn, RowVersion::Kind kind);

 private:
  const Retention& retention_;
  const Drop drop_;
  std::optional<Lsn> newer_;  // The version before the next one.
  bool fills_ = false;        // A partial one that is needed waits for what it lacks.
  std::vector<Lsn> hiding_;   // Tombstones that are needed if an older version is.
};

}  // namespace rotv
