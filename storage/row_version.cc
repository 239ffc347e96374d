#include "storage/row_version.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "storage/corrupt.h"
#include "storage/error.h"
#include "storage/row_key.h"
#include "storage/varint.h"

namespace rotv {
namespace {

uint32_t ReadVarint(std::string_view* bytes) {
  const std::optional<uint64_t> value = TakeVarint(bytes);
  if (!value || *value > UINT32_MAX) ThrowCorrupt("a row version with a broken number");
  return static_cast<uint32_t>(*value);
}

// Removes the first field, and the tab after it, from `line`.
std::string_view TakeField(std::string_view* line, bool* more) {
  size_t tab = line->find('\t');
  std::string_view field = line->substr(0, tab);
  *more = tab != std::string_view::npos;
  line->remove_prefix(*more ? tab + 1 : line->size());
  return field;
}

}  // namespace

std::string EncodeRowPrefix(TableId table, EpochNumber epoch, std::string_view row_key) {
  std::string prefix;
  prefix.reserve(kTablePrefixSize + row_key.size() + kLsnSuffixSize);
  AppendBigEndian32(table, &prefix);
  AppendBigEndian32(epoch, &prefix);
  prefix.append(row_key);
  return prefix;
}

std::string EncodeVersionKey(const VersionKey& key) {
  std::string bytes = EncodeRowPrefix(key.table, key.epoch, key.row_key);
  AppendBigEndian64(~key.commit_lsn.value(), &bytes);
  return bytes;
}

VersionKey DecodeVersionKey(std::string_view bytes) {
  if (bytes.size() < kTablePrefixSize + kLsnSuffixSize) ThrowCorrupt("a row key that is too short");
  uint64_t head = ReadBigEndian64(bytes.data());
  return {.table = static_cast<TableId>(head >> 32),
          .epoch = static_cast<EpochNumber>(head),
          .row_key = bytes.substr(kTablePrefixSize, bytes.size() - kTablePrefixSize - kLsnSuffixSize),
          .commit_lsn = Lsn(~ReadBigEndian64(bytes.data() + bytes.size() - kLsnSuffixSize))};
}

void AppendRowVersion(const RowVersion& version, std::string* out) {
  out->push_back(static_cast<char>(version.kind));
  if (version.kind == RowVersion::Kind::kTombstone) return;
  AppendVarint(version.shape, out);
  AppendVarint(version.count, out);
  out->append(version.text);
}

RowVersion DecodeRowVersion(std::string_view bytes) {
  if (bytes.empty()) ThrowCorrupt("an empty row version");
  RowVersion version;
  version.kind = static_cast<RowVersion::Kind>(bytes.front());
  bytes.remove_prefix(1);
  switch (version.kind) {
    case RowVersion::Kind::kTombstone:
      if (!bytes.empty()) ThrowCorrupt("a tombstone with a text");
      return version;
    case RowVersion::Kind::kRow:
    case RowVersion::Kind::kPartial:
      version.shape = ReadVarint(&bytes);
      version.count = ReadVarint(&bytes);
      version.text = bytes;
      return version;
  }
  ThrowCorrupt("a row version of an unknown kind");
}

bool FillUnchanged(std::string* partial, std::string_view older) {
  std::string filled;
  filled.reserve(partial->size() + older.size());
  std::string_view rest = *partial;
  bool complete = true;
  for (bool more = true, more_older = true; more;) {
    if (!more_older) ThrowCorrupt("a partial row with more columns than its older version");
    std::string_view field = TakeField(&rest, &more);
    std::string_view older_field = TakeField(&older, &more_older);
    std::string_view chosen = field == kUnchangedField ? older_field : field;
    if (chosen == kUnchangedField) complete = false;
    filled.append(chosen);
    if (more) filled.push_back('\t');
    if (!more && more_older) ThrowCorrupt("a partial row with fewer columns than its older version");
  }
  *partial = std::move(filled);
  return complete;
}

}  // namespace rotv
