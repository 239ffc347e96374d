// Collects what all schema versions of a store say about masks. Pure.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/store.pb.h"
#include "storage/lsn.h"

namespace rotv::mask {

class MaskHistory {
 public:
  // Must be called in order of the LSNs; the last version is the head's.
  void Add(Lsn lsn, const proto::SchemaVersion& schema);

  // True if a row version of this table that was committed at `commit_lsn` was stored while the column was masked.
  bool WasMasked(uint32_t table, uint32_t column, Lsn commit_lsn) const;

  struct Lost {
    std::string column;  // public.users.email, quoted if necessary.
    std::string rule;    // "email"
  };
  // Returns columns of the head's tables that were masked once and are stored unmasked, although no "keep" ever named
  // them.
  std::vector<Lost> LostMasks() const;

 private:
  struct Masked {
    std::string rule;
    std::map<Lsn, bool> from;  // From which LSN on it was masked, or not.
  };
  struct Name {
    std::string schema, table, column, quoted;
  };
  using ColumnId = std::pair<uint32_t, uint32_t>;  // pg_class.oid, attnum
  bool IsKept(const Name& column) const;

  std::map<ColumnId, Masked> columns_;
  std::map<ColumnId, Name> unmasked_;                 // Columns of the version that was added last.
  std::set<std::string> kept_;                        // The patterns of all "keep" rules.
  std::multimap<std::string, std::string> patterns_;  // Patterns of every column that was masked, by the column's name.
};

}  // namespace rotv::mask
