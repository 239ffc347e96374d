#include "tests/support/random/random_tables.h"

#include "fmt/format.h"

namespace rotv::testing {
namespace {

constexpr size_t kManyTables = 30;

bool IsPlain(const RandomTable& table) { return table.IsPlain(); }

}  // namespace

std::string RandomTables::ColumnDefinition(const std::string& name) {
  const std::string type = world_.values.Type();
  std::string sql = fmt::format("{} {}", SqlName(name), type);
  if (world_.dice.OneIn(4)) sql += " DEFAULT " + world_.values.Default(type);
  if (world_.dice.OneIn(8)) sql += " NOT NULL";
  return sql;
}

std::string RandomTables::Columns(int count) {
  std::string sql;
  for (int i = 0; i < count; ++i) sql += ", " + ColumnDefinition(world_.NewName("c"));
  if (world_.dice.OneIn(4)) sql += ", number integer, twice integer GENERATED ALWAYS AS (number * 2) STORED";
  return sql;
}

std::string RandomTables::Create() {
  if (world_.catalog.tables.size() > kManyTables) return Drop();
  static constexpr RandomChange<RandomTables> kKinds[] = {{12, &RandomTables::CreatePlain},
                                                          {3, &RandomTables::CreatePartitioned},
                                                          {2, &RandomTables::CreateHeir},
                                                          {1, &RandomTables::CreateLike},
                                                          {1, &RandomTables::CreateAs}};
  return PickChange(world_.dice, *this, kKinds);
}

std::string RandomTables::CreatePlain() {
  const std::string table = world_.NewObject("t");
  const std::string more = Columns(world_.dice.Below(6));
  const std::string first = world_.values.KeyType();
  const std::string second = world_.values.KeyType();
  switch (world_.dice.Below(13)) {
    case 0:
      return fmt::format("CREATE TABLE {} (k {} NOT NULL, l {} NOT NULL{}, PRIMARY KEY (l, k))", table, first, second,
                         more);
    case 1:
      return fmt::format(
          "CREATE TABLE {0} (k {1} NOT NULL{2}, i bigserial PRIMARY KEY); CREATE UNIQUE INDEX {3} ON {0} (k); "
          "ALTER TABLE {0} REPLICA IDENTITY USING INDEX {3}",
          table, first, more, SqlName(world_.NewName("x")));
    case 2:
      return fmt::format("CREATE TABLE {0} (k {1}{2}); ALTER TABLE {0} REPLICA IDENTITY FULL", table, first, more);
    case 3:
      return fmt::format("CREATE TABLE {0} (k {1} PRIMARY KEY{2}); ALTER TABLE {0} REPLICA IDENTITY FULL", table, first,
                         more);
    case 4:
      return fmt::format("CREATE TABLE {} (k {}{})", table, first, more);
    case 5:
      return fmt::format("CREATE TABLE {} (k {} PRIMARY KEY DEFERRABLE INITIALLY DEFERRED{})", table, first, more);
    case 6:
      return fmt::format("CREATE UNLOGGED TABLE {} (k {} PRIMARY KEY{})", table, first, more);
    case 7:
      return fmt::format("CREATE TABLE {0} (k {1} PRIMARY KEY{2}); ALTER TABLE {0} REPLICA IDENTITY NOTHING", table,
                         first, more);
    case 8:
      return fmt::format("CREATE TABLE {} (k integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY{})", table, more);
    case 9:
      return fmt::format("CREATE TABLE {} (s serial, k {}{}, UNIQUE (k))", table, first, more);
    default:
      return fmt::format("CREATE TABLE {} (k {} PRIMARY KEY{})", table, first, more);
  }
}

std::string RandomTables::CreatePartitioned() {
  const std::string root = world_.NewObject("p");
  const std::string more = Columns(1 + world_.dice.Below(4));
  const char* key = world_.dice.OneIn(3) ? "" : ", PRIMARY KEY (k)";
  const auto leaf = [&](const std::string& bound) {
    return fmt::format("; CREATE TABLE {} PARTITION OF {} {}", world_.NewObject("l"), root, bound);
  };
  switch (world_.dice.Below(3)) {
    case 0:
      return fmt::format("CREATE TABLE {} (k integer{}{}) PARTITION BY RANGE (k)", root, more, key) +
             leaf("FOR VALUES FROM (MINVALUE) TO (20)") + leaf("FOR VALUES FROM (20) TO (40)") +
             (world_.dice.OneIn(3) ? Branch(root) : leaf("DEFAULT"));
    case 1:
      return fmt::format("CREATE TABLE {} (k text{}{}) PARTITION BY LIST (k)", root, more,
                         *key == 0 ? "" : ", n integer, PRIMARY KEY (n, k)") +
             leaf("FOR VALUES IN ('a', 'b')") + leaf("FOR VALUES IN ('c')") + leaf("DEFAULT");
    default:
      return fmt::format("CREATE TABLE {} (k bigint{}{}) PARTITION BY HASH (k)", root, more, key) +
             leaf("FOR VALUES WITH (MODULUS 2, REMAINDER 0)") + leaf("FOR VALUES WITH (MODULUS 2, REMAINDER 1)");
  }
}

// A partition that itself has partitions.
std::string RandomTables::Branch(const std::string& root) {
  const std::string branch = world_.NewObject("p");
  return fmt::format(
      "; CREATE TABLE {0} PARTITION OF {1} DEFAULT PARTITION BY HASH (k); CREATE TABLE {2} PARTITION OF {0} "
      "FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE {3} PARTITION OF {0} FOR VALUES WITH (MODULUS "
      "2, REMAINDER 1)",
      branch, root, world_.NewObject("l"), world_.NewObject("l"));
}

std::string RandomTables::CreateHeir() {
  const RandomTable* parent = world_.Table(IsPlain);
  if (parent == nullptr) return "";
  return fmt::format("CREATE TABLE {} (i serial PRIMARY KEY{}) INHERITS ({})", world_.NewObject("h"),
                     Columns(world_.dice.Below(3)), parent->Sql());
}

std::string RandomTables::CreateLike() {
  const RandomTable* table = world_.Table([](const RandomTable&) { return true; });
  if (table == nullptr) return "";
  return fmt::format("CREATE TABLE {} (LIKE {} INCLUDING ALL)", world_.NewObject("t"), table->Sql());
}

std::string RandomTables::CreateAs() {
  const RandomTable* table = world_.Table([](const RandomTable&) { return true; });
  if (table == nullptr) return "";
  return fmt::format("CREATE TABLE {} AS SELECT * FROM {}", world_.NewObject("t"), table->Sql());
}

std::string RandomTables::Drop() {
  const RandomTable* table = world_.Table([](const RandomTable&) { return true; });
  return table == nullptr ? "" : fmt::format("DROP TABLE {} CASCADE", table->Sql());
}

// Creates another table under the same name.
std::string RandomTables::CreateAgain() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return t.IsPlain() && !t.has_children; });
  if (table == nullptr) return "";
  return fmt::format("DROP TABLE {0} CASCADE; CREATE TABLE {0} (k {1} {3}{2})", table->Sql(), world_.values.KeyType(),
                     Columns(world_.dice.Below(4)), world_.dice.OneIn(4) ? "" : "PRIMARY KEY");
}

// Does the same as a repack: a new table with the same columns takes over the name, with other rows.
std::string RandomTables::Replace() {
  const RandomTable* table =
      world_.Table([](const RandomTable& t) { return t.IsPlain() && !t.has_children && !t.inherits; });
  if (table == nullptr) return "";
  const std::string copy = SqlName(world_.NewName("t"));
  return fmt::format(
      "CREATE TABLE {2}.{1} (LIKE {0} INCLUDING ALL); DROP TABLE {0} CASCADE; ALTER TABLE {2}.{1} RENAME TO "
      "{3}",
      table->Sql(), copy, SqlName(table->schema), SqlName(table->name));
}

std::string RandomTables::ExchangeNames() {
  const RandomTable* one = world_.Table([](const RandomTable&) { return true; });
  if (one == nullptr) return "";
  const RandomTable* two =
      world_.Table([&](const RandomTable& t) { return t.schema == one->schema && t.name != one->name; });
  if (two == nullptr) return "";
  const std::string schema = SqlName(one->schema);
  return fmt::format(
      "ALTER TABLE {0}.{1} RENAME TO between; ALTER TABLE {0}.{2} RENAME TO {1}; "
      "ALTER TABLE {0}.between RENAME TO {2}",
      schema, SqlName(one->name), SqlName(two->name));
}

std::string RandomTables::Rename() {
  const RandomTable* table = world_.Table([](const RandomTable&) { return true; });
  if (table == nullptr) return "";
  return fmt::format("ALTER TABLE {} RENAME TO {}", table->Sql(), SqlName(world_.NewName("t")));
}

std::string RandomTables::Move() {
  const RandomTable* table = world_.Table([](const RandomTable&) { return true; });
  return table == nullptr ? "" : fmt::format("ALTER TABLE {} SET SCHEMA {}", table->Sql(), world_.Schema());
}

std::string RandomTables::SetPersistence() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return t.kind == 'r'; });
  if (table == nullptr) return "";
  return fmt::format("ALTER TABLE {} SET {}", table->Sql(), table->persistence == 'u' ? "LOGGED" : "UNLOGGED");
}

std::string RandomTables::Change() {
  static constexpr RandomChange<RandomTables> kChanges[] = {{8, &RandomTables::Create},
                                                            {3, &RandomTables::Drop},
                                                            {2, &RandomTables::CreateAgain},
                                                            {2, &RandomTables::Replace},
                                                            {2, &RandomTables::ExchangeNames},
                                                            {4, &RandomTables::Rename},
                                                            {3, &RandomTables::Move},
                                                            {3, &RandomTables::SetPersistence},
                                                            {4, &RandomTables::AddPrimaryKey},
                                                            {3, &RandomTables::DropPrimaryKey},
                                                            {3, &RandomTables::SetIdentity},
                                                            {3, &RandomTables::ReplacePrimaryKey},
                                                            {4, &RandomTables::CreateIndex},
                                                            {2, &RandomTables::DropIndex},
                                                            {1, &RandomTables::RenameIndex},
                                                            {3, &RandomTables::Rewrite},
                                                            {3, &RandomTables::AddForeignKey},
                                                            {2, &RandomTables::AddCheck},
                                                            {2, &RandomTables::DropConstraint},
                                                            {3, &RandomTables::CreatePartition},
                                                            {4, &RandomTables::Attach},
                                                            {3, &RandomTables::Detach},
                                                            {1, &RandomTables::MakePartitioned},
                                                            {1, &RandomTables::Inherit},
                                                            {2, &RandomTables::NoInherit}};
  return PickChange(world_.dice, *this, kChanges);
}

}  // namespace rotv::testing
