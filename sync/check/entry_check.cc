#include "sync/check/entry_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/corrupt.h"
#include "storage/error.h"
#include "sync/formats/row_check.h"
#include "sync/schema/follow.h"
#include "sync/schema/row_codec.h"

// A checksum proves that a row is what was written, not that what was written is right. A line is checked as when it
// came from the source, and its key is computed again. What an older schema says of a table that has the row's shape is
// enough for that; a row whose shape no stored schema has any more (gc dropped it) keeps its key unchecked.

namespace rotv::check {
namespace {

bool SameIdentity(const proto::Table& a, const proto::Table& b) {
  return a.follow() == b.follow() &&
         std::equal(a.key_columns().begin(), a.key_columns().end(), b.key_columns().begin(), b.key_columns().end()) &&
         std::equal(a.key_is_integer().begin(), a.key_is_integer().end(), b.key_is_integer().begin(),
                    b.key_is_integer().end());
}

// Fields of a partial row may be \u, which COPY never writes.
void RequireFields(std::string_view line, size_t columns) {
  const auto tabs = static_cast<size_t>(std::count(line.begin(), line.end(), '\t'));
  if (columns == 0 ? !line.empty() : tabs + 1 != columns)
    ThrowCorrupt("a partial row with other columns than its shape");
}

}  // namespace

EntryCheck::EntryCheck(const RowStore& store, const std::vector<proto::SchemaVersion>& coming)
    : store_(store), encoding_(formats::EncodingNamed(store.manifest().source().encoding())) {
  for (const Lsn lsn : store.SchemaLsns()) schemas_.push_back(store.SchemaAt(lsn));
  schemas_.insert(schemas_.end(), coming.begin(), coming.end());
  for (const proto::SchemaVersion& schema : schemas_) {
    for (const proto::Table& table : schema.tables()) {
      names_[table.id()] = table.quoted_name();
      if (!schema::HasRows(table)) continue;
      std::vector<const proto::Table*>& known = by_shape_[table.shape()];
      const bool is_known = std::any_of(known.begin(), known.end(),
                                        [&](const proto::Table* other) { return SameIdentity(*other, table); });
      if (!is_known) known.push_back(&table);
    }
  }
}

std::string EntryCheck::NameOf(TableId table) const {
  const auto found = names_.find(table);
  return found != names_.end() ? found->second : fmt::format("a former table ({})", table);
}

void EntryCheck::Version(std::string_view key_bytes, std::string_view value) {
  const VersionKey key = DecodeVersionKey(key_bytes);
  const RowVersion version = DecodeRowVersion(value);
  if (version.kind == RowVersion::Kind::kTombstone) return;
  const proto::Shape& shape = store_.shapes().Get(version.shape);
  if (shape.table() != 0 && shape.table() != key.table) ThrowCorrupt("a row with the shape of another table");
  if (version.count == 0) ThrowCorrupt("a row that is there no times");
  const auto columns = static_cast<size_t>(shape.columns_size());
  if (version.kind == RowVersion::Kind::kPartial) return RequireFields(version.text, columns);
  formats::RowCheck({.table = NameOf(key.table), .columns = columns, .encoding = encoding_}).Line(version.text);
  RequireKey(key, version);
}

void EntryCheck::RequireKey(const VersionKey& key, const RowVersion& version) {
  const auto found = by_shape_.find(version.shape);
  if (found == by_shape_.end()) return;
  for (const proto::Table* table : found->second) {
    try {
      schema::RowCodec(*table, store_.shapes().Get(version.shape)).KeyOfLine(version.text, &scratch_);
    } catch (const Error&) {
      continue;  // The line has no such key.
    }
    if (scratch_ == key.row_key) return;
  }
  ThrowCorrupt("a row under another row's key");
}

}  // namespace rotv::check
