// What all schema versions of a store say of masks. Pure.

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
  // In order of their LSNs; the last one is the head's.
  void Add(Lsn lsn, const proto::SchemaVersion& schema);

  // A row version of this table that was committed at `commit_lsn` came under a mask of the column.
  bool WasMasked(uint32_t table, uint32_t column, Lsn commit_lsn) const;

  struct Lost {
    std::string column;  // public.users.email, quoted where it has to be.
    std::string rule;    // "email"
  };
  // Columns of the head's tables that were masked once and are stored unmasked, although no "keep" ever named them.
  std::vector<Lost> LostMasks() const;

 private:
  struct Masked {
    std::string rule;
    std::map<Lsn, bool> from;  // From when on it was masked, or not.
  };
  struct Name {
    std::string schema, table, column, quoted;
  };
  using ColumnId = std::pair<uint32_t, uint32_t>;  // pg_class.oid, attnum
  bool IsKept(const Name& column) const;

  std::map<ColumnId, Masked> columns_;
  std::map<ColumnId, Name> unmasked_;                 // Of the tables of the version that was added last.
  std::set<std::string> kept_;                        // The patterns of all "keep"s.
  std::multimap<std::string, std::string> patterns_;  // Of all that was masked, by the column's name.
};

}  // namespace rotv::mask
