#include "sync/schema/row_codec.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "storage/row_key.h"
#include "sync/formats/copy_text.h"

namespace rotv::schema {
namespace {

[[noreturn]] void ThrowNoKey(const proto::Table& table) {
  throw Error(ErrorCode::kProtocol, fmt::format("the source sent a row of {} without its key", table.quoted_name()),
              "please report this with the table's definition");
}

// Returns the field at `index`. The search begins at field `*at`, which starts at `*position`; both are advanced.
std::string_view FieldAt(std::string_view line, uint32_t index, uint32_t* at, size_t* position) {
  for (; *at < index; ++*at) {
    size_t tab = line.find('\t', *position);
    if (tab == std::string_view::npos) throw Error(ErrorCode::kProtocol, "a row of COPY has too few columns");
    *position = tab + 1;
  }
  return line.substr(*position, line.find('\t', *position) - *position);
}

}  // namespace

void RowCodec::AppendKeyColumn(int key_column, std::string_view text, std::string* key) const {
  if (table_.key_is_integer(key_column)) {
    AppendIntegerKey(text, key);
  } else {
    AppendTextKey(text, key);
  }
}

void RowCodec::KeyOfLine(std::string_view line, std::string* key) {
  key->clear();
  if (is_multiset()) return AppendMultisetKey(line, key);
  // The line is read only up to the last key column: what follows may be megabytes of a picture.
  uint32_t at = 0;
  size_t position = 0;
  for (int i = 0; i < table_.key_columns_size(); ++i) {
    uint32_t column = table_.key_columns(i);
    if (column < at) at = 0, position = 0;
    std::string_view field = FieldAt(line, column, &at, &position);
    if (field == formats::kCopyNull) ThrowNoKey(table_);
    AppendKeyColumn(i, formats::UnescapeCopyField(field, &scratch_), key);
  }
}

void RowCodec::CheckColumnCount(const formats::pgoutput::Tuple& tuple) const {
  if (tuple.size() == static_cast<size_t>(shape_.columns_size())) return;
  throw Error(ErrorCode::kProtocol, fmt::format("the source sent a row of {} with {} columns instead of {}",
                                                table_.quoted_name(), tuple.size(), shape_.columns_size()));
}

void RowCodec::KeyOfTuple(const formats::pgoutput::Tuple& tuple, const formats::pgoutput::Tuple* old,
                          std::string* key) {
  CheckColumnCount(tuple);
  key->clear();
  for (int i = 0; i < table_.key_columns_size(); ++i) {
    size_t at = table_.key_columns(i);
    const formats::pgoutput::Column* column = &tuple[at];
    if (column->kind == formats::pgoutput::Column::Kind::kUnchangedToast && old != nullptr) column = &(*old)[at];
    if (column->kind != formats::pgoutput::Column::Kind::kText) ThrowNoKey(table_);
    AppendKeyColumn(i, column->text, key);
  }
}

bool RowCodec::LineOfTuple(const formats::pgoutput::Tuple& tuple, const formats::pgoutput::OldRow* old,
                           std::string* line) const {
  CheckColumnCount(tuple);
  bool old_is_full = old != nullptr && old->kind == formats::pgoutput::OldKind::kFull;
  if (old != nullptr) CheckColumnCount(old->row);
  line->clear();
  bool complete = true;
  for (size_t i = 0; i < tuple.size(); ++i) {
    if (i != 0) line->push_back('\t');
    const formats::pgoutput::Column* column = &tuple[i];
    if (column->kind == formats::pgoutput::Column::Kind::kUnchangedToast && old_is_full) column = &old->row[i];
    switch (column->kind) {
      case formats::pgoutput::Column::Kind::kNull:
        line->append(formats::kCopyNull);
        break;
      case formats::pgoutput::Column::Kind::kText:
        formats::AppendCopyEscaped(column->text, line);
        break;
      case formats::pgoutput::Column::Kind::kUnchangedToast:
        // If the key identifies the row, a toasted key column that did not change is in the old tuple and nowhere else.
        if (old != nullptr && old->row[i].kind == formats::pgoutput::Column::Kind::kText) {
          formats::AppendCopyEscaped(old->row[i].text, line);
        } else {
          line->append(formats::kCopyUnchanged);
          complete = false;
        }
        break;
    }
  }
  return complete;
}

bool RowCodec::Fits(const formats::pgoutput::Relation& relation) const {
  if (relation.columns.size() != static_cast<size_t>(shape_.columns_size())) return false;
  for (int i = 0; i < shape_.columns_size(); ++i) {
    const formats::pgoutput::RelationColumn& now = relation.columns[static_cast<size_t>(i)];
    if (now.name != shape_.columns(i).name() || now.type_oid != shape_.columns(i).type_oid()) return false;
  }
  // Under FULL every old row is complete. But if only an index keeps the key unique, that index may have been dropped
  // in the meantime as well: only a constraint that is dropped and created again is noticed.
  if (relation.replica_identity == 'f') return is_multiset_ || table_.state().constraint_oid() != 0;
  if (is_multiset_) return false;
  int identity_columns = 0;
  for (const formats::pgoutput::RelationColumn& column : relation.columns)
    identity_columns += column.is_identity ? 1 : 0;
  return identity_columns == table_.key_columns_size() &&
         std::all_of(table_.key_columns().begin(), table_.key_columns().end(),
                     [&](uint32_t column) { return relation.columns[column].is_identity; });
}

}  // namespace rotv::schema
