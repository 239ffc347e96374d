// Decides what a store must keep: which states are retained, and which versions of rows those states need. Pure.
//
// A state at L consists of the newest version with commit LSN < L of each row. So a version with commit LSN c whose
// next newer version has commit LSN n is seen by the states in (c, n].

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
  // Retains the states at these LSNs, and at every LSN from `keep_from` on.
  Retention(std::vector<Lsn> points, Lsn keep_from);

  Lsn keep_from() const { return keep_from_; }
  const std::vector<Lsn>& points() const { return points_; }  // Ascending, each once.

  // True if a retained state lies in (after, to].
  bool NeedsAny(Lsn after, Lsn to) const;

  // Tells how many retained states lie in (after, to]. For kByOne, `*point` is set to its index in points(); the states
  // from `keep_from` on count as several.
  enum class Needed { kByNone, kByOne, kBySeveral };
  Needed NeededIn(Lsn after, Lsn to, size_t* point) const;

 private:
  std::vector<Lsn> points_;
  Lsn keep_from_;
};

// Adds up, for each point, the bytes of versions that only this point needs: what deleting it would free. It is fed
// like RowSieve, with the versions of one row after the other, the newest first.
class SoleNeeds {
 public:
  explicit SoleNeeds(const Retention& retention) : retention_(retention), bytes_(retention.points().size()) {}

  // Called before the first version of each row.
  void EndRow();
  void Add(Lsn commit_lsn, RowVersion::Kind kind, size_t bytes);

  // Indexed like the retention's points().
  const std::vector<uint64_t>& bytes() const { return bytes_; }
  uint64_t total() const { return total_; }  // The bytes of all versions.

 private:
  const Retention& retention_;
  std::vector<uint64_t> bytes_;
  uint64_t total_ = 0;
  std::optional<Lsn> newer_;
  bool fills_ = false;               // The newer version is partial and needed: an older one completes it.
  std::optional<size_t> fills_for_;  // The only point that needs that partial version; nullopt: several do.
};

// Finds the versions that no retained state needs. It is fed the versions of one row after the other, the newest first.
// A version is needed if a retained state sees it, or if it completes a needed partial version that is newer.
class RowSieve {
 public:
  // Called with the commit LSN of each version of the present row that is not needed; in no particular order.
  using Drop = std::function<void(Lsn)>;
  RowSieve(const Retention& retention, Drop drop) : retention_(retention), drop_(std::move(drop)) {}

  // Called before the first version of each row, and after the last version of all.
  void EndRow();
  void Add(Lsn commit_lsn, RowVersion::Kind kind);

 private:
  const Retention& retention_;
  const Drop drop_;
  std::optional<Lsn> newer_;  // The commit LSN of the version added last, which is the next newer one.
  bool fills_ = false;        // That version is partial and needed: the next older one completes it.
  std::vector<Lsn> hiding_;   // Tombstones that are needed only if an older version of the row is.
};

}  // namespace rotv
