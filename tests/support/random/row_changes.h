// Random changes of the rows of any database, made of its catalogue and of the rows that are there.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/random/dice.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

class RowChanges {
 public:
  // Reads the tables that the connection's role may change: those outside of extensions, partitions by their parents.
  RowChanges(Connection& connection, uint64_t seed);

  // Inserts, updates and deletes rows, one at a time, until so many statements have changed some; those that a
  // constraint or a trigger refuses are not counted. Returns them. Throws std::runtime_error if nearly all are refused.
  std::vector<std::string> Make(int count);

 private:
  struct Column {
    std::string name;
    std::string type;       // With its length: numeric(8,2).
    std::string base;       // Of a domain, what it is of; without the length; "enum" and "array" for those.
    std::string reference;  // "SELECT id FROM public.places": the column is a key of another table; else empty.
    bool not_null = false;
    bool unique = false;     // In some key.
    bool by_itself = false;  // Generated, an identity, or its default makes a new key.
  };
  struct Table {
    std::string name;
    std::vector<Column> columns;
  };

  std::string Statement();
  std::string Insert(const Table& table);
  std::string Update(const Table& table);
  // Another value of the column's type, made from its value in the row; empty if none is known.
  std::string Other(const Column& column);
  std::string OrderOfChance(const std::string& row);

  Connection& connection_;
  Dice dice_;
  std::vector<Table> tables_;
};

}  // namespace rotv::testing
