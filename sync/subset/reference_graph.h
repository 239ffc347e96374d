// The tables of a schema that have rows, and the foreign keys between them. Pure.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "storage/shape_map.h"
#include "sync/formats/foreign_keys.h"
#include "sync/subset/key_hash.h"

namespace rotv::subset {

// A table with rows of its own: an ordinary one, or a partition.
struct TableNode {
  const proto::Table* table = nullptr;
  const proto::Shape* shape = nullptr;
  std::vector<formats::TableName> names;  // Its own, then those of the tables that it is a partition of, the root last.
  size_t component = 0;                   // Index into ReferenceGraph::components.
};

// One side of a foreign key: a table, and the key's fields there.
struct KeySide {
  size_t node = 0;
  std::vector<KeyField> key;
};

// A foreign key. With partitions it has several tables on one side.
struct Reference {
  std::string text;                         // For people: "orders_user_id_fkey of public.orders".
  formats::ConstraintName constraint = {};  // All empty: it is in no dump, since CREATE EXTENSION makes it.
  bool is_checked = true;                   // An import looks whether it holds.
  std::vector<KeySide> referencing = {};
  std::vector<KeySide> referenced = {};
  bool comparable = true;  // False: the values of its columns are not stored, or equal ones may be written differently.
};

struct ReferenceGraph {
  std::vector<TableNode> nodes;  // In the schema's order.
  std::vector<Reference> references;
  // The nodes in such an order that what is referenced comes first. Nodes of one component reference each other in a
  // circle, or are partitions of one table.
  std::vector<std::vector<size_t>> components;
  // All tables of the schema that a person can name, partitioned ones and those without rows too; each with the nodes
  // whose rows it has.
  std::map<formats::TableName, std::vector<size_t>> by_name;
};

// `schema` and `shapes` outlive the result.
ReferenceGraph MakeGraph(const proto::SchemaVersion& schema, const ShapeMap& shapes);

}  // namespace rotv::subset
