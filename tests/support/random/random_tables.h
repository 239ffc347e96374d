// Statements that create, change and remove whole tables: their keys, their identity, their partitions and child
// tables.

#pragma once

#include <string>
#include <vector>

#include "tests/support/random/random_world.h"

namespace rotv::testing {

class RandomTables {
 public:
  explicit RandomTables(RandomWorld& world) : world_(world) {}

  std::string Create();       // A table of any kind.
  std::string Change();       // Allowed in a transaction.
  std::string ChangeAlone();  // Not allowed in a transaction.

  std::string CreatePlain();
  std::string CreatePartitioned();
  std::string CreateHeir();

 private:
  // name type ..., without keys.
  std::string ColumnDefinition(const std::string& name);
  std::string Columns(int count);

  std::string Branch(const std::string& root);
  std::string CreateLike();
  std::string CreateAs();
  std::string Drop();
  std::string CreateAgain();
  std::string Replace();
  std::string ExchangeNames();
  std::string Rename();
  std::string Move();
  std::string SetPersistence();

  std::string AddPrimaryKey();
  std::string DropPrimaryKey();
  std::string ReplacePrimaryKey();
  std::string SetIdentity();
  std::string CreateIndex();
  std::string DropIndex();
  std::string RenameIndex();
  std::string Rewrite();
  std::string AddForeignKey();
  std::string AddCheck();
  std::string DropConstraint();

  std::string CreatePartition();
  std::string Attach();
  std::string Detach();
  std::string MakePartitioned();
  std::string Inherit();
  std::string NoInherit();

  // The place of a partition before it was detached.
  struct Detached {
    std::string table;
    std::string root;
    std::string bound;
  };

  RandomWorld& world_;
  std::vector<Detached> detached_;
};

}  // namespace rotv::testing
