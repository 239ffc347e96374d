// The part of RandomTables that adds to tables: keys, constraints, indexes, partitions and child tables.

#include "fmt/format.h"
#include "tests/support/random/random_tables.h"

namespace rotv::testing {
namespace {

const RandomIndex* PrimaryKey(const RandomTable& table) {
  for (const RandomIndex& index : table.indexes) {
    if (index.primary) return &index;
  }
  return nullptr;
}

}  // namespace

// Duplicates and NULLs are removed first, so that the key can be added.
std::string RandomTables::AddPrimaryKey() {
  const RandomTable* table =
      world_.Table([](const RandomTable& t) { return t.IsPlain() && !t.HasPrimaryKey() && !t.has_children; });
  if (table == nullptr) return "";
  const RandomColumn* column =
      world_.Column(*table, [&](const RandomColumn& c) { return CanBeKey(c.type, world_.catalog) && !c.generated; });
  if (column == nullptr || world_.dice.OneIn(4)) {
    return fmt::format("ALTER TABLE {} ADD {} bigserial PRIMARY KEY", table->Sql(), SqlName(world_.NewName("k")));
  }
  const std::string included = SqlName(world_.dice.Pick(table->columns).name);
  const std::string include = world_.dice.OneIn(4) ? " INCLUDE (" + included + ")" : "";
  return fmt::format(
      "DELETE FROM {0} a USING {0} b WHERE a.{1} = b.{1} AND a.ctid > b.ctid; DELETE FROM {0} WHERE {1} IS NULL; "
      "ALTER TABLE {0} ADD PRIMARY KEY ({1}){2}{3}",
      table->Sql(), SqlName(column->name), include, world_.dice.OneIn(8) ? " DEFERRABLE" : "");
}

std::string RandomTables::DropPrimaryKey() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return !t.IsPartition() && t.HasPrimaryKey(); });
  if (table == nullptr) return "";
  return fmt::format("ALTER TABLE {} DROP CONSTRAINT {} CASCADE", table->Sql(), SqlName(PrimaryKey(*table)->name));
}

std::string RandomTables::ReplacePrimaryKey() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return t.IsPlain() && t.HasPrimaryKey(); });
  if (table == nullptr) return "";
  const std::string drop =
      fmt::format("ALTER TABLE {} DROP CONSTRAINT {} CASCADE", table->Sql(), SqlName(PrimaryKey(*table)->name));
  for (const RandomIndex& index : table->indexes) {
    if (index.primary || index.constraint || !index.can_identify) continue;
    return fmt::format("{}; ALTER TABLE {} ADD PRIMARY KEY USING INDEX {}", drop, table->Sql(), SqlName(index.name));
  }
  return fmt::format("{}, ADD {} serial PRIMARY KEY", drop, SqlName(world_.NewName("k")));
}

std::string RandomTables::SetIdentity() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return t.kind == 'r'; });
  if (table == nullptr) return "";
  const std::string start = fmt::format("ALTER TABLE {} REPLICA IDENTITY ", table->Sql());
  for (const RandomIndex& index : table->indexes) {
    if (index.can_identify && world_.dice.OneIn(2)) return start + "USING INDEX " + SqlName(index.name);
  }
  static const std::vector<std::string> kKinds = {"DEFAULT", "FULL", "FULL", "NOTHING"};
  return start + world_.dice.Pick(kKinds);
}

std::string RandomTables::CreateIndex() {
  const RandomTable* table = world_.Table([](const RandomTable&) { return true; });
  if (table == nullptr) return "";
  const auto sortable = [&](const RandomColumn& c) { return CanBeKey(c.type, world_.catalog); };
  const RandomColumn* first = world_.Column(*table, sortable);
  const RandomColumn* second = world_.Column(*table, sortable);
  if (first == nullptr) return "";
  const std::string name = SqlName(world_.NewName("x"));
  switch (world_.dice.Below(5)) {
    case 0:
      return fmt::format("CREATE UNIQUE INDEX {} ON {} ({}, {})", name, table->Sql(), SqlName(first->name),
                         SqlName(second->name));
    case 1:
      return fmt::format("CREATE INDEX {} ON {} ((hashtext({}::text)))", name, table->Sql(), SqlName(first->name));
    case 2:
      return fmt::format("CREATE INDEX {} ON {} ({} DESC NULLS LAST) WHERE {} IS NOT NULL", name, table->Sql(),
                         SqlName(first->name), SqlName(second->name));
    default:
      return fmt::format("CREATE INDEX {} ON {} ({})", name, table->Sql(), SqlName(first->name));
  }
}

std::string RandomTables::DropIndex() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return !t.IsPartition() && !t.indexes.empty(); });
  if (table == nullptr) return "";
  const RandomIndex& index = world_.dice.Pick(table->indexes);
  if (index.constraint) return "";
  return fmt::format("DROP INDEX {}.{}", SqlName(table->schema), SqlName(index.name));
}

std::string RandomTables::RenameIndex() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return !t.indexes.empty(); });
  if (table == nullptr) return "";
  return fmt::format("ALTER INDEX {}.{} RENAME TO {}", SqlName(table->schema),
                     SqlName(world_.dice.Pick(table->indexes).name), SqlName(world_.NewName("x")));
}

// Gives the table another file with the same rows.
std::string RandomTables::Rewrite() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return t.kind == 'r' && !t.indexes.empty(); });
  if (table == nullptr) return "";
  const RandomIndex& index = world_.dice.Pick(table->indexes);
  if (world_.dice.OneIn(2) || !index.plain) return "REINDEX TABLE " + table->Sql();
  return fmt::format("CLUSTER {} USING {}", table->Sql(), SqlName(index.name));
}

std::string RandomTables::ChangeAlone() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return t.kind == 'r'; });
  if (table == nullptr) return "";
  switch (world_.dice.Below(6)) {
    case 0:
    case 1:
      return "VACUUM FULL " + table->Sql();
    case 2:
      return "VACUUM (FREEZE, ANALYZE) " + table->Sql();
    case 3:
      return "REINDEX TABLE CONCURRENTLY " + table->Sql();
    case 4:
      if (table->columns.empty() || !CanBeKey(table->columns[0].type, world_.catalog)) return "ANALYZE " + table->Sql();
      return fmt::format("CREATE INDEX CONCURRENTLY {} ON {} ({})", SqlName(world_.NewName("x")), table->Sql(),
                         SqlName(table->columns[0].name));
    default:
      if (!table->IsLeaf() || table->bound == "DEFAULT") return "ANALYZE " + table->Sql();
      detached_.push_back({table->Sql(), table->root, table->bound});
      return fmt::format("ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY", table->root, table->Sql());
  }
}

std::string RandomTables::AddForeignKey() {
  const RandomTable* to = world_.Table([](const RandomTable& t) { return t.HasPrimaryKey() && t.persistence == 'p'; });
  const RandomTable* from = world_.Table([](const RandomTable& t) { return !t.IsPartition() && t.persistence == 'p'; });
  if (to == nullptr || from == nullptr) return "";
  for (const RandomColumn& column : to->columns) {
    if (column.name != "k" && column.name != "i") continue;
    return fmt::format("ALTER TABLE {} ADD {} {} REFERENCES {} ({}) ON UPDATE CASCADE ON DELETE {} {}", from->Sql(),
                       SqlName(world_.NewName("f")), column.type, to->Sql(), SqlName(column.name),
                       world_.dice.OneIn(2) ? "CASCADE" : "SET NULL",
                       world_.dice.OneIn(3) ? "DEFERRABLE INITIALLY DEFERRED" : "");
  }
  return "";
}

std::string RandomTables::AddCheck() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return !t.IsPartition() && !t.columns.empty(); });
  if (table == nullptr) return "";
  return fmt::format("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({}::text <> 'never') {}", table->Sql(),
                     SqlName(world_.NewName("q")), SqlName(world_.dice.Pick(table->columns).name),
                     world_.dice.OneIn(3) ? "NOT VALID" : "");
}

std::string RandomTables::DropConstraint() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return !t.constraints.empty(); });
  if (table == nullptr) return "";
  const std::string name = SqlName(world_.dice.Pick(table->constraints));
  return fmt::format("ALTER TABLE {} {}", table->Sql(),
                     world_.dice.OneIn(2)
                         ? "DROP CONSTRAINT " + name
                         : fmt::format("RENAME CONSTRAINT {} TO {}", name, SqlName(world_.NewName("q"))));
}

std::string RandomTables::CreatePartition() {
  const RandomTable* root = world_.Table([](const RandomTable& t) { return t.IsRoot() && t.strategy != 'h'; });
  if (root == nullptr) return "";
  const int number = world_.NextNumber();
  const std::string bound = root->strategy == 'r'
                                ? fmt::format("FROM ({}) TO ({})", 2000 + 10 * number, 2010 + 10 * number)
                                : fmt::format("IN ('value {}')", number);
  return fmt::format("CREATE TABLE {} PARTITION OF {} FOR VALUES {}", world_.NewObject("l"), root->Sql(), bound);
}

std::string RandomTables::Detach() {
  const RandomTable* leaf = world_.Table([](const RandomTable& t) { return t.IsLeaf(); });
  if (leaf == nullptr) return "";
  detached_.push_back({leaf->Sql(), leaf->root, leaf->bound});
  return fmt::format("ALTER TABLE {} DETACH PARTITION {}", leaf->root, leaf->Sql());
}

// Attaches the partition where it was, if both tables still exist.
std::string RandomTables::Attach() {
  while (!detached_.empty()) {
    const Detached was = detached_.back();
    detached_.pop_back();
    const RandomTable* table = world_.catalog.FindTable(was.table);
    if (table == nullptr || !table->root.empty() || world_.catalog.FindTable(was.root) == nullptr) continue;
    return fmt::format("ALTER TABLE {} ATTACH PARTITION {} {}", was.root, was.table, was.bound);
  }
  return "";
}

// The usual way: the old table becomes the first partition of a new one that takes over its name.
std::string RandomTables::MakePartitioned() {
  const RandomTable* table = world_.Table([](const RandomTable& t) {
    return t.IsPlain() && !t.inherits && !t.has_children && t.persistence == 'p' && !t.columns.empty() &&
           t.columns[0].name == "k" && t.columns[0].type == "integer" && !t.columns[0].identity;
  });
  if (table == nullptr) return "";
  const std::string old = SqlName(world_.NewName("l"));
  return fmt::format(
      "ALTER TABLE {0} RENAME TO {1}; CREATE TABLE {0} (LIKE {2}.{1} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING "
      "CONSTRAINTS) PARTITION BY RANGE (k); ALTER TABLE {0} ATTACH PARTITION {2}.{1} DEFAULT",
      table->Sql(), old, SqlName(table->schema));
}

std::string RandomTables::Inherit() {
  const RandomTable* parent = world_.Table([](const RandomTable& t) { return t.IsPlain() && t.columns.size() < 3; });
  if (parent == nullptr) return "";
  const std::string child = world_.NewObject("h");
  return fmt::format("CREATE TABLE {0} (LIKE {1} INCLUDING ALL); ALTER TABLE {0} INHERIT {1}", child, parent->Sql());
}

std::string RandomTables::NoInherit() {
  const RandomTable* child = world_.Table([](const RandomTable& t) { return t.IsPlain() && t.inherits; });
  if (child == nullptr) return "";
  return fmt::format(
      "DO $do$ BEGIN EXECUTE (SELECT format('ALTER TABLE %s NO INHERIT %s', inhrelid::regclass, inhparent::regclass) "
      "FROM pg_inherits WHERE inhrelid = {}::regclass ORDER BY inhseqno LIMIT 1); END $do$",
      SqlLiteral(child->Sql()));
}

}  // namespace rotv::testing
