// Encodes one version of one row, as the store keeps it. Pure; FORMAT.md describes the bytes.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/lsn.h"

namespace rotv {

using TableId = uint32_t;
using EpochNumber = uint32_t;

// VersionKey names a version: the row, and the commit LSN since which it is valid.
struct VersionKey {
  TableId table = 0;
  EpochNumber epoch = 0;
  std::string_view row_key;
  Lsn commit_lsn;
};

// Encodes table, epoch and row key: the prefix that all versions of one row share.
std::string EncodeRowPrefix(TableId table, EpochNumber epoch, std::string_view row_key);
// Newer versions sort first, since the commit LSN is inverted.
std::string EncodeVersionKey(const VersionKey& key);
// Throws kCorrupt if `bytes` is too short to be one. `row_key` points into `bytes`.
VersionKey DecodeVersionKey(std::string_view bytes);

inline constexpr size_t kTablePrefixSize = 8;  // Table and epoch.
inline constexpr size_t kLsnSuffixSize = 8;

// Marks an unchanged column in a partial version. COPY never writes it: a backslash in data is always doubled.
inline constexpr std::string_view kUnchangedField = "\\u";

struct RowVersion {
  enum class Kind : char {
    kRow = 'R',
    kPartial = 'P',    // Some columns are kUnchangedField: the next older version of the same row has them.
    kTombstone = 'T',  // The row was deleted; no text.
  };
  Kind kind = Kind::kRow;
  uint32_t shape = 0;
  uint32_t count = 1;     // The number of equal rows: other than 1 only in a multiset.
  std::string_view text;  // One line of COPY text without its newline.
};

void AppendRowVersion(const RowVersion& version, std::string* out);
// Throws kCorrupt if `bytes` is not a version. `text` points into `bytes`.
RowVersion DecodeRowVersion(std::string_view bytes);

// Replaces each kUnchangedField of `*partial` with the field of `older`; both are COPY lines with the same number of
// columns. Returns true if every field is known now. Throws kCorrupt if the numbers of columns differ.
bool FillUnchanged(std::string* partial, std::string_view older);

}  // namespace rotv
