#include "tests/support/servers/table_owner.h"

#include "fmt/format.h"

namespace rotv::testing {
namespace {

constexpr const char* kSpring = "rotv-trap: ";

// The body of a trap, for every kind of caller.
constexpr const char* kTrap = R"(
CREATE FUNCTION shop.trap(place text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF current_user = 'tenant' THEN RETURN true; END IF;
  RAISE LOG 'rotv-trap: % in %', current_user, place;
  BEGIN EXECUTE 'ALTER ROLE tenant SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
  RETURN true;
END $$;
CREATE FUNCTION shop.trap(place text, value text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
  IF current_user <> 'tenant' THEN RAISE LOG 'rotv-trap: % in %', current_user, place; END IF;
  RETURN value;
END $$;
CREATE FUNCTION shop.same(a text, b text) RETURNS boolean LANGUAGE sql AS 'SELECT shop.trap(''operator'')';
CREATE OPERATOR shop.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = shop.same);
CREATE FUNCTION shop.on_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM shop.trap('trigger'); RETURN NEW; END $$;
CREATE DOMAIN shop.code AS text CHECK (shop.trap('domain') AND VALUE <> '');
CREATE TYPE shop.mood AS ENUM ('glad', 'sad');
CREATE FUNCTION shop.mood_text(shop.mood) RETURNS text LANGUAGE sql AS 'SELECT shop.trap(''enum cast'')::text';
CREATE CAST (shop.mood AS text) WITH FUNCTION shop.mood_text(shop.mood) AS IMPLICIT;
CREATE FUNCTION shop.text_mood(text) RETURNS shop.mood LANGUAGE sql AS
  'SELECT CASE WHEN shop.trap(''cast to enum'') THEN ''glad''::shop.mood END';
CREATE CAST (text AS shop.mood) WITH FUNCTION shop.text_mood(text) AS IMPLICIT;
CREATE TYPE shop.pair AS (a text, b text);
CREATE FUNCTION shop.pair_text(shop.pair) RETURNS text LANGUAGE sql AS 'SELECT shop.trap(''row cast'')::text';
CREATE CAST (shop.pair AS text) WITH FUNCTION shop.pair_text(shop.pair) AS IMPLICIT;
)";

constexpr const char* kTables = R"(
CREATE TABLE shop.people (
  id int PRIMARY KEY, email text CHECK (email <> '' AND shop.trap('check')), name text CHECK (name OPERATOR(shop.===) 'x'),
  low text GENERATED ALWAYS AS (shop.trap('generated', email)) STORED, code shop.code, mood shop.mood,
  pair shop.pair, shown text DEFAULT shop.trap('default')::text,
  mail text CHECK (mail <> '' AND query_to_xml('SELECT shop.trap(''sql in a string'')', true, true, '') IS NOT NULL),
  CHECK (low <> 'nobody'), CHECK (mood <> 'sad' OR code <> 'x'),
  CHECK (name <> '' AND table_to_xml('shop.trapped', true, true, '') IS NOT NULL));
CREATE INDEX ON shop.people (shop.trap('index', email)) WHERE shop.trap('predicate', name) IS NOT NULL;
CREATE STATISTICS shop.of_people ON shop.trap('statistics', email), name FROM shop.people;
ALTER TABLE shop.people ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.people FORCE ROW LEVEL SECURITY;
CREATE POLICY everything ON shop.people USING (shop.trap('policy'));
CREATE TRIGGER on_change BEFORE INSERT OR UPDATE OR DELETE ON shop.people FOR EACH ROW EXECUTE FUNCTION shop.on_change();
CREATE RULE on_delete AS ON DELETE TO shop.people DO ALSO SELECT shop.trap('rule');
INSERT INTO shop.people (id, email, name, code, mood, pair, mail)
SELECT n, 'planted' || n || '@secret.example', 'Planted ' || n, 'c' || n, 'glad', ROW('a', n::text)::shop.pair, 'm' || n
FROM generate_series(1, 30) n;
CREATE TABLE shop.bag (v text CHECK (shop.trap('check')), mood shop.mood);
INSERT INTO shop.bag VALUES ('one', 'glad'), ('two', 'sad');
)";

}  // namespace

TableOwner::TableOwner(PostgresServer& server)
    : server_(server), connection_([&] {
        server.Exec("CREATE ROLE tenant LOGIN; CREATE SCHEMA shop AUTHORIZATION tenant", kSuperuser);
        return server.ConnectionString({"rotv", kRole});
      }()) {
  connection_.Exec(kTrap);
  connection_.Exec("CREATE VIEW shop.trapped AS SELECT shop.trap('view')");
}

void TableOwner::Plant() { connection_.Exec(kTables); }

void TableOwner::SwapForView(const std::string& table, const std::string& columns) {
  connection_.Exec(fmt::format(
      "ALTER TABLE {0} RENAME TO swapped; CREATE VIEW {0} AS SELECT shop.trap('swapped view') AS ctid, 1 AS "
      "xmin, {1} FROM generate_series(1, 3) n WHERE shop.trap('swapped view')",
      table, columns));
}

std::vector<std::string> TableOwner::Caught() {
  const std::string log = server_.log();
  std::vector<std::string> caught;
  for (size_t at = seen_; (at = log.find(kSpring, at)) != std::string::npos;) {
    at += std::string_view(kSpring).size();
    caught.push_back(log.substr(at, log.find('\n', at) - at));
  }
  seen_ = log.size();
  return caught;
}

bool TableOwner::IsSuperuser() const {
  return server_.Value("SELECT rolsuper FROM pg_roles WHERE rolname = 'tenant'", kSuperuser) == "t";
}

}  // namespace rotv::testing
