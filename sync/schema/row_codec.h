// Turns rows of one table, as COPY or pgoutput deliver them, into row keys and stored lines. Pure.

#pragma once

#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "sync/formats/pgoutput.h"
#include "sync/schema/follow.h"

namespace rotv::schema {

class RowCodec {
 public:
  // Both must outlive the codec. The store must keep rows of `table`.
  RowCodec(const proto::Table& table, const proto::Shape& shape)
      : table_(table), shape_(shape), is_multiset_(IsMultiset(table)) {}

  // Sets `key` to the key of `line`, one row of COPY without its newline. Throws kProtocol if a key column is missing
  // or NULL.
  void KeyOfLine(std::string_view line, std::string* key);

  // Sets `key` to the key of a tuple. A key column that the tuple marks as unchanged is taken from `old`, if there is
  // one. Throws kProtocol as KeyOfLine() does, or if the number of columns is not the shape's.
  void KeyOfTuple(const formats::pgoutput::Tuple& tuple, const formats::pgoutput::Tuple* old, std::string* key);

  // Sets `line` to the row as COPY text without its newline. Unchanged columns are taken from `old` if that is a full
  // row (a key column also from a key-only row), else they are written as kCopyUnchanged. Returns whether the line is
  // complete. Throws kProtocol if the number of columns is not the shape's.
  bool LineOfTuple(const formats::pgoutput::Tuple& tuple, const formats::pgoutput::OldRow* old,
                   std::string* line) const;

  // True if rows that the source describes by `relation` are rows of this table and shape, identified by its key:
  // names, types, order and identity are the same.
  bool Fits(const formats::pgoutput::Relation& relation) const;

  bool is_multiset() const { return is_multiset_; }

 private:
  void CheckColumnCount(const formats::pgoutput::Tuple& tuple) const;
  void AppendKeyColumn(int key_column, std::string_view text, std::string* key) const;

  const proto::Table& table_;
  const proto::Shape& shape_;
  const bool is_multiset_;
  std::string scratch_;
};

}  // namespace rotv::schema
