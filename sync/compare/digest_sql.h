// Builds the statements that compare a table on the source with its rows here. Each reads rows as pg_dump would, and
// returns numbers and keys; only Rows() returns rows. Column 0 of what they call the hash is RowHashSql().

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/compare/table_digest.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::compare {

// Blocks of a table's file, [begin, end); `end` < 0 is the end of the file, wherever that is.
struct BlockRange {
  int64_t begin = 0;
  int64_t end = -1;
};

// Returns the columns that are compared, by their index in the shape: those whose values are the source's.
std::vector<size_t> ComparedColumns(const proto::Table& table, const proto::Shape& shape);

// True if rows here and on the source can be compared at all: all of them are kept, and identified by the same keys.
bool CanBeCompared(const proto::Table& table, const proto::Shape& shape);

class DigestSql {
 public:
  // All must outlive this object. `shape` is the table's.
  DigestSql(const postgres::PgConnection& connection, const proto::Table& table, const proto::Shape& shape);

  // Returns rows of (group, number of rows, sum of their hashes); groups without rows are left out.
  std::string Groups(const TableDigest& layout, const BlockRange& blocks) const;

  // Returns the hash and the key's columns of every row in these groups, which are in order. The SELECT has no
  // semicolon.
  std::string Keys(const TableDigest& layout, const std::vector<size_t>& groups) const;

  // Returns the rows with these hashes, as COPY has them; they are in the ranges of `groups`.
  std::string Rows(const TableDigest& layout, const std::vector<size_t>& groups,
                   std::span<const uint64_t> hashes) const;

  // True if a part of the table can be read by its blocks without reading the rest.
  bool HasBlocks() const { return plain_; }

 private:
  std::string GroupExpression(const TableDigest& layout) const;
  // Returns " WHERE …", from the first to the last of the ranges that these groups belong to; empty if it would not
  // help.
  std::string WhereRanges(const TableDigest& layout, const std::vector<size_t>& groups) const;
  bool IntegerKey() const { return !table_.key_columns().empty() && table_.key_is_integer(0); }
  std::string FirstKey() const;
  std::string ColumnsList() const;

  const postgres::PgConnection& connection_;
  const proto::Table& table_;
  bool plain_ = false;
  std::vector<std::string> columns_;  // Quoted names.
  std::string from_;
  std::string hash_;
};

// Adds the result of Groups() to `groups`, which has all groups. Throws kProtocol if the result has another form.
void AddGroups(const postgres::PgResult& result, std::vector<GroupDigest>* groups);

// Returns the value modulo 2^64 of a decimal number, which may be negative and of any length. Throws kProtocol.
uint64_t ModuloWord(std::string_view decimal);

}  // namespace rotv::compare
