#include "sync/check/entry_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/corrupt.h"
#include "storage/error.h"
#include "sync/schema/follow.h"

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

void EntryCheck::Prepare(TableId table, const proto::Shape& shape, Memory* memory) const {
  if (shape.table() != 0 && shape.table() != table) ThrowCorrupt("a row with the shape of another table");
  memory->line_.emplace(formats::RowForm{
      .table = NameOf(table), .columns = static_cast<size_t>(shape.columns_size()), .encoding = encoding_});
  memory->keys_.clear();
  const auto found = by_shape_.find(shape.id());
  if (found != by_shape_.end()) {
    for (const proto::Table* known : found->second) memory->keys_.emplace_back(*known, shape);
  }
  memory->table_ = table;
  memory->shape_ = shape.id();
}

void EntryCheck::Version(const VersionKey& key, const RowVersion& version, Memory* memory) const {
  if (version.kind == RowVersion::Kind::kTombstone) return;
  const bool is_prepared = memory->line_ && memory->table_ == key.table && memory->shape_ == version.shape;
  if (!is_prepared) {
    memory->line_.reset();
    Prepare(key.table, store_.shapes().Get(version.shape), memory);
  }
  if (version.count == 0) ThrowCorrupt("a row that is there no times");
  if (version.kind == RowVersion::Kind::kPartial) return RequireFields(version.text, memory->line_->columns());
  memory->line_->Line(version.text);
  if (memory->keys_.empty()) return;
  for (schema::RowCodec& codec : memory->keys_) {
    try {
      codec.KeyOfLine(version.text, &memory->key_);
    } catch (const Error&) {
      continue;  // The line has no such key.
    }
    if (memory->key_ == key.row_key) return;
  }
  ThrowCorrupt("a row under another row's key");
}

}  // namespace rotv::check
