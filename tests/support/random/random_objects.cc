#include "tests/support/random/random_objects.h"

#include "fmt/format.h"

namespace rotv::testing {
namespace {

constexpr size_t kManyTypes = 10;
constexpr size_t kManyViews = 8;
constexpr size_t kManySchemas = 6;

bool Any(const RandomTable&) { return true; }

}  // namespace

const RandomType* RandomObjects::Type(char kind) {
  std::vector<const RandomType*> found;
  for (const RandomType& type : world_.catalog.types) {
    if (type.kind == kind) found.push_back(&type);
  }
  return found.empty() ? nullptr : world_.dice.Pick(found);
}

std::string RandomObjects::CreateType() {
  if (world_.catalog.types.size() > kManyTypes) return DropType();
  switch (world_.dice.Below(3)) {
    case 0:
      return fmt::format("CREATE TYPE {} AS ENUM ('good', 'it''s, \"ok\"', '', 'back\\slash')",
                         world_.NewObject("enum"));
    case 1:
      return fmt::format("CREATE TYPE {} AS (a integer, \"b c\" text, d {})", world_.NewObject("pair"),
                         world_.values.KeyType());
    default:
      break;
  }
  return fmt::format("CREATE DOMAIN {} AS {} CHECK (VALUE::text <> 'never')", world_.NewObject("domain"),
                     world_.values.KeyType());
}

std::string RandomObjects::ChangeEnum() {
  const RandomType* type = Type('e');
  if (type == nullptr || type->labels.empty()) return "";
  const std::string label = SqlLiteral(world_.dice.Pick(type->labels));
  const std::string name = SqlLiteral(world_.NewName("label"));
  if (world_.dice.OneIn(2)) return fmt::format("ALTER TYPE {} RENAME VALUE {} TO {}", type->sql, label, name);
  return fmt::format("ALTER TYPE {} ADD VALUE {} {} {}", type->sql, name, world_.dice.OneIn(2) ? "BEFORE" : "AFTER",
                     label);
}

std::string RandomObjects::ChangeComposite() {
  const RandomType* type = Type('c');
  if (type == nullptr) return "";
  const std::string start = fmt::format("ALTER TYPE {} ", type->sql);
  const std::string attribute = SqlName(world_.NewName("a"));
  if (type->attributes.empty() || world_.dice.OneIn(3)) {
    return fmt::format("{}ADD ATTRIBUTE {} {}", start, attribute, world_.values.KeyType());
  }
  const std::string old = SqlName(world_.dice.Pick(type->attributes));
  if (world_.dice.OneIn(2)) return fmt::format("{}RENAME ATTRIBUTE {} TO {}", start, old, attribute);
  return type->attributes.size() < 2 ? "" : fmt::format("{}DROP ATTRIBUTE {}", start, old);
}

std::string RandomObjects::ChangeDomain() {
  const RandomType* type = Type('d');
  if (type == nullptr) return "";
  const std::string start = fmt::format("ALTER DOMAIN {} ", type->sql);
  switch (world_.dice.Below(3)) {
    case 0:
      return start + "SET DEFAULT " + world_.values.Value(type->base, ValueSize::kSmall);
    case 1:
      return start + "DROP DEFAULT";
    default:
      return fmt::format("{}ADD CONSTRAINT {} CHECK (VALUE::text <> 'neither')", start, SqlName(world_.NewName("q")));
  }
}

std::string RandomObjects::MoveType() {
  if (world_.catalog.types.empty()) return "";
  const RandomType& type = world_.dice.Pick(world_.catalog.types);
  const char* kind = type.kind == 'd' ? "DOMAIN" : "TYPE";
  return world_.dice.OneIn(2) ? fmt::format("ALTER {} {} RENAME TO {}", kind, type.sql, SqlName(world_.NewName("type")))
                              : fmt::format("ALTER {} {} SET SCHEMA {}", kind, type.sql, world_.Schema());
}

std::string RandomObjects::DropType() {
  if (world_.catalog.types.empty()) return "";
  const RandomType& type = world_.dice.Pick(world_.catalog.types);
  return fmt::format("DROP {} {} CASCADE", type.kind == 'd' ? "DOMAIN" : "TYPE", type.sql);
}

std::string RandomObjects::CreateView() {
  const RandomTable* table = world_.Table(Any);
  if (table == nullptr || world_.catalog.views.size() > kManyViews) return ChangeView();
  return fmt::format("CREATE VIEW {} AS SELECT *, 1 AS one_more_{} FROM {}", world_.NewObject("v"), world_.NextNumber(),
                     table->Sql());
}

std::string RandomObjects::ChangeView() {
  if (world_.catalog.views.empty()) return "";
  const std::string view = world_.dice.Pick(world_.catalog.views);
  switch (world_.dice.Below(3)) {
    case 0:
      return fmt::format("DROP VIEW {} CASCADE", view);
    case 1:
      return fmt::format("ALTER VIEW {} RENAME TO {}", view, SqlName(world_.NewName("v")));
    default:
      return fmt::format("ALTER VIEW {} SET (security_barrier = true)", view);
  }
}

std::string RandomObjects::CreateMaterializedView() {
  const RandomTable* table = world_.Table(Any);
  if (table == nullptr || world_.catalog.materialized_views.size() > kManyViews) return ChangeMaterializedView();
  return fmt::format(
      "CREATE MATERIALIZED VIEW {} AS SELECT count(*) AS n, max(whole_row::text) AS last FROM {} whole_row "
      "WITH {} DATA",
      world_.NewObject("m"), table->Sql(), world_.dice.OneIn(3) ? "NO" : "");
}

std::string RandomObjects::ChangeMaterializedView() {
  if (world_.catalog.materialized_views.empty()) return "";
  const std::string view = world_.dice.Pick(world_.catalog.materialized_views);
  return (world_.dice.OneIn(3) ? "DROP" : "REFRESH") + (" MATERIALIZED VIEW " + view);
}

// Triggers write nothing, or to a sequence, and let every row pass.
std::string RandomObjects::CreateTrigger() {
  const RandomTable* table = world_.Table(Any);
  if (table == nullptr) return "";
  std::string function;
  std::string sql;
  if (world_.catalog.functions.empty() || world_.dice.OneIn(3)) {
    function = world_.NewObject("f");
    sql = fmt::format(
        "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN -- {}\n RETURN coalesce(NEW, "
        "OLD); END $f$; ",
        function, world_.NextNumber());
  } else {
    function = world_.dice.Pick(world_.catalog.functions);
  }
  return fmt::format("{}CREATE TRIGGER {} {} INSERT OR UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION {}()", sql,
                     SqlName(world_.NewName("g")), world_.dice.OneIn(2) && !table->IsRoot() ? "BEFORE" : "AFTER",
                     table->Sql(), function);
}

std::string RandomObjects::ChangeTrigger() {
  if (!world_.catalog.functions.empty() && world_.dice.OneIn(2)) {
    const std::string function = world_.dice.Pick(world_.catalog.functions);
    if (world_.dice.OneIn(4)) return fmt::format("DROP FUNCTION {}() CASCADE", function);
    return fmt::format(
        "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RETURN "
        "coalesce(NEW, OLD); -- again {}\n END $f$",
        function, world_.NextNumber());
  }
  const RandomTable* table = world_.Table([](const RandomTable& t) { return !t.triggers.empty() && !t.IsPartition(); });
  if (table == nullptr) return "";
  const std::string trigger = SqlName(world_.dice.Pick(table->triggers));
  if (world_.dice.OneIn(2)) return fmt::format("DROP TRIGGER {} ON {}", trigger, table->Sql());
  return fmt::format("ALTER TABLE {} {} TRIGGER {}", table->Sql(), world_.dice.OneIn(2) ? "DISABLE" : "ENABLE ALWAYS",
                     trigger);
}

std::string RandomObjects::CreateSequence() {
  static const std::vector<std::string> kKinds = {"", "START 7", "INCREMENT -3 MINVALUE -100 START -1",
                                                  "AS smallint MAXVALUE 3 CYCLE", "CACHE 20"};
  return fmt::format("CREATE SEQUENCE {} {}", world_.NewObject("s"), world_.dice.Pick(kKinds));
}

std::string RandomObjects::UseSequence() {
  if (world_.catalog.sequences.empty()) return "";
  const std::string sequence = SqlLiteral(world_.dice.Pick(world_.catalog.sequences));
  if (world_.dice.OneIn(3))
    return fmt::format("SELECT setval({}, {}, {})", sequence, 1 + world_.dice.Below(3), world_.dice.OneIn(2));
  return fmt::format("SELECT nextval({}) FROM generate_series(1, {})", sequence, 1 + world_.dice.Below(3));
}

std::string RandomObjects::ChangeSequence() {
  if (world_.catalog.sequences.empty()) return "";
  const std::string sequence = world_.dice.Pick(world_.catalog.sequences);
  switch (world_.dice.Below(5)) {
    case 0:
      return fmt::format("ALTER SEQUENCE {} RESTART", sequence);
    case 1:
      return fmt::format("ALTER SEQUENCE {} RENAME TO {}", sequence, SqlName(world_.NewName("s")));
    case 2:
      return fmt::format("DROP SEQUENCE {} CASCADE", sequence);
    case 3:
      return fmt::format("ALTER SEQUENCE {} CACHE {}", sequence, 1 + world_.dice.Below(9));
    default:
      return fmt::format("ALTER SEQUENCE {} SET SCHEMA {}", sequence, world_.Schema());
  }
}

// The object identifiers are given explicitly, since they are part of the dump.
std::string RandomObjects::LargeObject() {
  if (world_.catalog.large_objects.empty() || world_.dice.OneIn(3)) {
    return fmt::format("SELECT lo_from_bytea({}, convert_to(repeat({}, {}), 'UTF8'))", 700000 + world_.NextNumber(),
                       world_.values.Text(), world_.dice.Below(2000));
  }
  const std::string object = world_.dice.Pick(world_.catalog.large_objects);
  switch (world_.dice.Below(4)) {
    case 0:
      return fmt::format("SELECT lo_unlink({})", object);
    case 1:
      return fmt::format("COMMENT ON LARGE OBJECT {} IS {}", object, world_.values.Text());
    default:
      return fmt::format("SELECT lo_put({}, {}, convert_to({}, 'UTF8'))", object, world_.dice.Below(4000),
                         world_.values.Text());
  }
}

std::string RandomObjects::Comment() {
  const RandomTable* table = world_.Table(Any);
  if (table == nullptr) return "";
  if (table->columns.empty() || world_.dice.OneIn(2)) {
    return fmt::format("COMMENT ON TABLE {} IS {}", table->Sql(), world_.values.Text());
  }
  return fmt::format("COMMENT ON COLUMN {}.{} IS {}", table->Sql(), SqlName(world_.dice.Pick(table->columns).name),
                     world_.values.Text());
}

// The policy does not bind the owner.
std::string RandomObjects::Policy() {
  const RandomTable* table = world_.Table(Any);
  if (table == nullptr) return "";
  if (world_.dice.OneIn(2)) {
    return fmt::format("ALTER TABLE {} {} ROW LEVEL SECURITY", table->Sql(),
                       world_.dice.OneIn(3) ? "DISABLE" : "ENABLE");
  }
  return fmt::format("CREATE POLICY {} ON {} USING (current_user <> 'nobody')", SqlName(world_.NewName("policy")),
                     table->Sql());
}

std::string RandomObjects::ChangeSchema() {
  const std::string schema = world_.Schema();
  if (world_.catalog.schemas.size() < kManySchemas && world_.dice.OneIn(2)) {
    return "CREATE SCHEMA " + SqlName(world_.NewName("schema"));
  }
  if (schema == "public" || world_.catalog.schemas.size() < 3) return "";
  if (world_.dice.OneIn(6)) return fmt::format("DROP SCHEMA {} CASCADE", schema);
  return fmt::format("ALTER SCHEMA {} RENAME TO {}", schema, SqlName(world_.NewName("schema")));
}

std::string RandomObjects::Other() {
  const RandomTable* table = world_.Table([](const RandomTable& t) { return t.columns.size() > 1; });
  if (table == nullptr) return "";
  switch (world_.dice.Below(5)) {
    case 0:
      return fmt::format("ALTER TABLE {} SET (fillfactor = {})", table->Sql(), 50 + world_.dice.Below(50));
    case 1:
      return fmt::format("GRANT SELECT ON {} TO PUBLIC", table->Sql());
    case 2:
      return fmt::format("CREATE EXTENSION IF NOT EXISTS citext SCHEMA {}", world_.Schema());
    case 3:
      return fmt::format("CREATE COLLATION {} (provider = icu, locale = 'de-u-co-phonebk')",
                         world_.NewObject("collation"));
    default:
      return fmt::format("CREATE TEMPORARY TABLE scratch{} AS SELECT * FROM {}", world_.NextNumber(), table->Sql());
  }
}

std::string RandomObjects::Change() {
  static constexpr RandomChange<RandomObjects> kChanges[] = {{3, &RandomObjects::CreateType},
                                                             {6, &RandomObjects::ChangeEnum},
                                                             {4, &RandomObjects::ChangeComposite},
                                                             {3, &RandomObjects::ChangeDomain},
                                                             {2, &RandomObjects::MoveType},
                                                             {1, &RandomObjects::DropType},
                                                             {2, &RandomObjects::CreateView},
                                                             {1, &RandomObjects::ChangeView},
                                                             {2, &RandomObjects::CreateMaterializedView},
                                                             {2, &RandomObjects::ChangeMaterializedView},
                                                             {2, &RandomObjects::CreateTrigger},
                                                             {2, &RandomObjects::ChangeTrigger},
                                                             {2, &RandomObjects::CreateSequence},
                                                             {4, &RandomObjects::UseSequence},
                                                             {2, &RandomObjects::ChangeSequence},
                                                             {3, &RandomObjects::LargeObject},
                                                             {2, &RandomObjects::Comment},
                                                             {1, &RandomObjects::Policy},
                                                             {1, &RandomObjects::ChangeSchema},
                                                             {2, &RandomObjects::Other}};
  return PickChange(world_.dice, *this, kChanges);
}

}  // namespace rotv::testing
