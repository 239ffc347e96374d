// One image of one row, as the store keeps it. Pure encodings; FORMAT.md describes the bytes.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/lsn.h"

namespace rotv {

using TableId = uint32_t;
using EpochNumber = uint32_t;

// Where a version stands: of which row, since when.
struct VersionKey {
  TableId table = 0;
  EpochNumber epoch = 0;
  std::string_view row_key;
  Lsn commit_lsn;
};

// Table, epoch and row key: what all versions of one row have in common.
std::string EncodeRowPrefix(TableId table, EpochNumber epoch, std::string_view row_key);
// Newer versions sort first, since the commit LSN is inverted.
std::string EncodeVersionKey(const VersionKey& key);
// Throws kCorrupt if `bytes` is too short to be one. `row_key` points into `bytes`.
VersionKey DecodeVersionKey(std::string_view bytes);

inline constexpr size_t kTablePrefixSize = 8;  // Table and epoch.
inline constexpr size_t kLsnSuffixSize = 8;

// Stands for an unchanged column in a partial row. COPY never writes it: a backslash of data is always doubled.
inline constexpr std::string_view kUnchangedField = "\\u";

struct RowVersion {
  enum class Kind : char {
    kRow = 'R',
    kPartial = 'P',    // Some columns are kUnchangedField: the next older version of the same row has them.
    kTombstone = 'T',  // The row is gone; no text.
  };
  Kind kind = Kind::kRow;
  uint32_t shape = 0;
  uint32_t count = 1;     // How many equal rows there are: other than 1 only in a bag.
  std::string_view text;  // One line of COPY text without its newline.
};

void AppendRowVersion(const RowVersion& version, std::string* out);
// Throws kCorrupt if `bytes` is no version. `text` points into `bytes`.
RowVersion DecodeRowVersion(std::string_view bytes);

// Puts the fields of `older` where `partial` says kUnchangedField; both are COPY lines of the same number of columns.
// Returns whether every field is known now. Throws kCorrupt if the numbers of columns differ.
bool FillUnchanged(std::string* partial, std::string_view older);

}  // namespace rotv
