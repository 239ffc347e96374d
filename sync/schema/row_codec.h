// Turns the rows of one table, as COPY or pgoutput bring them, into row keys and stored lines. Pure.

#pragma once

#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "sync/formats/pgoutput.h"
#include "sync/schema/follow.h"

namespace rotv::schema {

class RowCodec {
 public:
  // Both outlive the codec. Rows of `table` are kept.
  RowCodec(const proto::Table& table, const proto::Shape& shape)
      : table_(table), shape_(shape), is_multiset_(IsMultiset(table)) {}

  // `line` is one row of COPY, without its newline. `key` is cleared first. Throws kProtocol if a key column is missing
  // or NULL.
  void KeyOfLine(std::string_view line, std::string* key);

  // The key of a tuple; a key column that it has as unchanged is taken from `old`, if there is one.
  void KeyOfTuple(const formats::pgoutput::Tuple& tuple, const formats::pgoutput::Tuple* old, std::string* key);

  // One line of COPY text without its newline; columns that are unchanged are taken from `old` if that is a full row,
  // else are written as kCopyUnchanged. Returns whether the line is complete. Throws kProtocol if the number of columns
  // is not the shape's.
  bool LineOfTuple(const formats::pgoutput::Tuple& tuple, const formats::pgoutput::OldRow* old,
                   std::string* line) const;

  // Whether rows that the source describes so are rows of this table and shape, known by its key: names, types, order
  // and identity are the same.
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
