#include "tests/support/random/random_masks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <span>

#include "sync/context/mask_rule_table.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {
namespace {

struct ValueType {
  std::string name;      // In SQL.
  std::string base;      // In pg_type, domains resolved.
  std::string referred;  // Another type that a foreign key of this one may reference, or be referenced by.
  std::vector<std::string> values;
};

// Some are equal without being the same, and some are the same but for their case.
const std::vector<std::string> kWords = {"Anna", "anna", "ANNA", "bob",  "Bob ",   "bob",    "Élise", "éLISE", "",
                                         "x",    "a b",  "7",    "0170", "a@b.de", "A@b.de", "Ωμέγα", "ωμέγα", "o'k",
                                         "I",    "i",    "zz",   "ab ",  "ab",     "a",      "k\tt",  "Ян",    "q9"};
const std::vector<std::string> kShort = {"A", "a", "b ", "b", "c1", "C1", "xyz", "7", "", "é", "É", "-", "q"};
const std::vector<std::string> kWhole = {"0", "1", "-1", "2", "7", "10", "-32768", "32767", "100", "42"};
const std::vector<std::string> kWide = {"0",          "1",           "-1",         "2",  "70000", "32768", "-7",
                                        "2147483647", "-2147483648", "2147483646", "10", "42",    "2000"};
const std::vector<std::string> kDecimal = {"0", "0.0", "1", "1.00", "-1.5", "-1.50", "99.99", "12", "7.25", "0.01"};
const std::vector<std::string> kFloat = {"0", "-0", "1", "1e10", "-2.5", "NaN", "Infinity", "1e-30", "3.25"};
const std::vector<std::string> kDay = {"2020-01-01",    "2020-02-29", "1999-12-31",    "infinity",
                                       "0044-03-15 BC", "2020-01-02", "4714-11-24 BC", "2026-07-07"};
const std::vector<std::string> kMoment = {"2020-01-01 00:00",    "2020-01-01 10:30", "2020-01-02 10:30",
                                          "1999-12-31 23:59:59", "infinity",         "2024-05-05 05:05:05.5"};

const std::vector<ValueType>& Types() {
  static const std::vector<ValueType> kValueTypes = {
      {"text", "text", "varchar(60)", kWords},
      {"varchar(60)", "varchar", "text", kWords},
      {"varchar(30)", "varchar", "varchar(60)", kWords},
      {"varchar(5)", "varchar", "text", kShort},
      {"char(5)", "bpchar", "char(8)", kShort},
      {"char(40)", "bpchar", "char(40)", kWords},
      {"bpchar", "bpchar", "text", kWords},
      {"citext", "citext", "text", kWords},
      {"name", "name", "text", kWords},
      {"text COLLATE ignores_case", "text", "text COLLATE ignores_case", kWords},
      {"text COLLATE ignores_accents", "text", "text COLLATE ignores_accents", kWords},
      {"text COLLATE turkish", "text", "text COLLATE turkish", kWords},
      {"word", "text", "text", kWords},
      {"few", "varchar", "word", kShort},
      {"int2", "int2", "int8", kWhole},
      {"int4", "int4", "int8", kWide},
      {"int8", "int8", "int4", kWide},
      {"int4", "int4", "numeric", kWide},
      {"numeric", "numeric", "numeric(10,2)", kDecimal},
      {"numeric(10,2)", "numeric", "numeric(12,4)", kDecimal},
      {"float8", "float8", "float8", kFloat},
      {"float4", "float4", "float8", kFloat},
      {"date", "date", "timestamp", kDay},
      {"timestamp", "timestamp", "timestamptz", kMoment},
      {"timestamptz", "timestamptz", "timestamptz", kMoment},
      {"uuid",
       "uuid",
       "uuid",
       {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        "00000000-0000-0000-0000-000000000000", "11111111-0000-4000-8000-000000000001"}},
      {"inet",
       "inet",
       "cidr",
       {"10.0.0.1", "10.0.0.1/32", "10.0.0.0/8", "::1", "fe80::1/64", "fe80::2/64", "10.9.8.7"}},
      {"cidr", "cidr", "inet", {"10.0.0.0/8", "10.1.0.0/16", "::/0", "192.168.1.1/32", "fe80::/64"}},
      {"bytea", "bytea", "bytea", {"\\x", "\\x00", "\\xdeadbeef", "\\x6162"}},
      {"jsonb", "jsonb", "jsonb", {"{}", "1", "1.0", "{\"a\": \"x\"}", "[1, 2]", "\"x\""}},
      {"interval", "interval", "interval", {"1 day", "24:00:00", "1 month", "30 days", "0"}},
      {"bool", "bool", "bool", {"t", "f"}},
      {"text[]", "_text", "text[]", {"{}", "{a,b}", "{A,b}", "{NULL}"}},
      {"mood", "mood", "mood", {"glad", "sad"}},
      {"int4range", "int4range", "int4range", {"[1,5)", "[1,4]", "empty", "[7,9)", "(,)"}},
      {"money", "money", "money", {"1.00", "0", "-5.5"}},
      {"bit(4)", "bit", "bit(4)", {"0000", "1010", "1111"}},
      {"macaddr", "macaddr", "macaddr", {"08:00:2b:01:02:03", "08002b:010204"}},
  };
  return kValueTypes;
}

const ValueType* TypeNamed(const std::string& name) {
  const auto found =
      std::find_if(Types().begin(), Types().end(), [&](const ValueType& one) { return one.name == name; });
  return found == Types().end() ? nullptr : &*found;
}

// Expressions of a column {0}, and of one beside it, {1}.
const std::vector<std::string> kExpressions = {"lower({0}::text)",
                                               "upper({0}::text)",
                                               "lower({0})",
                                               "left({0}::text, 1)",
                                               "md5({0}::text)",
                                               "btrim({0}::text)",
                                               "lower(btrim({0}::text))",
                                               "{0}::text || n::text",
                                               "COALESCE({0}::text, '')",
                                               "COALESCE({0}, {1})",
                                               "replace(lower({0}::text), ' ', '-')",
                                               "length({0}::text)",
                                               "reverse({0}::text)",
                                               "lower({0}::text COLLATE \"C\")",
                                               "lower({0} COLLATE turkish)",
                                               "date_trunc('day', {0})",
                                               "({0}::date)",
                                               "({0} % 10)",
                                               "abs({0})",
                                               "floor({0})",
                                               "-{0}",
                                               "split_part({0}::text, '@', 2)",
                                               "({0} IS NULL)",
                                               "hashtext({0}::text)",
                                               "btrim({0}::text, {1}::text)",
                                               "({0} > n)",
                                               "({0}::varchar(3))",
                                               "({0}::text COLLATE ignores_case)",
                                               "ROW({0}, n)::text",
                                               "{0} || {1}",
                                               "host({0})",
                                               "masklen({0})",
                                               "extract(year FROM {0})",
                                               "({0} ->> 'a')",
                                               "lower({0}::text) || {1}::text",
                                               "initcap({0}::text)",
                                               "(n + 1)",
                                               "CASE WHEN {0} IS NULL THEN 0 ELSE 1 END",
                                               "({0} * 2)",
                                               "round({0}, 1)"};

const std::vector<std::string> kPredicates = {"{0} IS NULL",
                                              "{0} IS NOT NULL",
                                              "n > 3",
                                              "{0}::text <> ''",
                                              "{1} IS NULL",
                                              "{0} > n",
                                              "{0} = {1}",
                                              "{0}::text LIKE 'a%'",
                                              "NOT ({0} IS NULL)",
                                              "{0} IS NOT NULL AND n IS NOT NULL"};

const std::vector<std::string> kChecks = {"{0}::text <> ''",
                                          "length({0}::text) < 30",
                                          "length({0}::text) <= 12",
                                          "{0}::text ~ '^[A-Za-zé]'",
                                          "{0}::text = lower({0}::text)",
                                          "{0} >= {1}",
                                          "{0} > 0",
                                          "{0} IS NOT NULL",
                                          "{0} IS NOT NULL OR {1} IS NOT NULL",
                                          "p IS NOT NULL",
                                          "{0} < 100000",
                                          "n IS NULL OR {0} <> {1}",
                                          "{0} > '1900-01-01'",
                                          "g IS NOT NULL",
                                          "g < 20",
                                          "length(g::text) < 25"};

class MaskSchemaMaker {
 public:
  MaskSchemaMaker(uint64_t number, const std::string& schema) : dice_(number), schema_(schema) {}

  RandomMasks Make() {
    k_ = Type();
    m_ = Type();
    Create();
    AddConstraints();
    AddReferences();
    AddRows();
    AddLater();
    ChooseRules();
    result_.create = Tolerant(create_);
    result_.change = Tolerant(change_);
    return std::move(result_);
  }

 private:
  // A type that more rules than "null" and "constant" take, most of the time.
  ValueType Type() {
    for (;;) {
      const ValueType& type = dice_.Pick(Types());
      if (ManyOf(type).empty() && !dice_.OneIn(4)) continue;
      return type;
    }
  }

  template <typename... Arguments>
  static std::string Filled(const std::string& text, const Arguments&... arguments) {
    return fmt::format(fmt::runtime(text), arguments...);
  }

  // Runs each statement by itself, and goes on without those that fail.
  static std::string Tolerant(const std::vector<std::string>& statements) {
    std::string list;
    for (const std::string& one : statements) list += (list.empty() ? "$one$" : ", $one$") + one + "$one$";
    return "DO $do$ DECLARE one text; BEGIN FOREACH one IN ARRAY ARRAY[" + list +
           "]::text[] LOOP BEGIN EXECUTE one; SET CONSTRAINTS ALL IMMEDIATE; EXCEPTION WHEN OTHERS THEN NULL; END; END "
           "LOOP; END $do$;";
  }

  void Do(const std::string& statement) { create_.push_back(statement); }

  void Create() {
    const bool partitioned = dice_.OneIn(10);
    std::string columns =
        fmt::format("id int, k {}{}, m {}, n int", k_.name, dice_.OneIn(4) ? " NOT NULL" : "", m_.name);
    Do(fmt::format("CREATE TABLE p ({}, PRIMARY KEY (id)){}", columns, partitioned ? " PARTITION BY HASH (id)" : ""));
    if (partitioned) {
      Do("CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0)");
      Do("CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1)");
    }
    if (dice_.OneIn(3)) {
      const std::string expression = Expression();
      const std::vector<std::string> types = {"text", "int", "varchar(8)", "boolean", "numeric", "word"};
      Do(fmt::format("ALTER TABLE p ADD g {} GENERATED ALWAYS AS ({}) STORED{}", dice_.Pick(types), expression,
                     dice_.OneIn(3) ? " NOT NULL" : ""));
    } else if (dice_.OneIn(6)) {  // Since version 18.
      Do(fmt::format("ALTER TABLE p ADD g text GENERATED ALWAYS AS ({}) VIRTUAL", Expression()));
    }
  }

  std::string Column() { return dice_.OneIn(4) ? "m" : "k"; }
  std::string Expression() {
    const std::string column = Column();
    return Filled(dice_.Pick(kExpressions), column, column == "k" ? "m" : "k");
  }
  std::string Predicate() {
    const std::string column = Column();
    return Filled(dice_.Pick(kPredicates), column, column == "k" ? "m" : "k");
  }

  void AddConstraints() {
    for (int more = 1 + dice_.Below(3); more > 0; --more) {
      switch (dice_.Below(14)) {
        case 0:
          Do(fmt::format("ALTER TABLE p ADD UNIQUE{} ({})", dice_.OneIn(3) ? " NULLS NOT DISTINCT" : "", Column()));
          break;
        case 1:
          Do("CREATE UNIQUE INDEX ON p (k, m)");
          break;
        case 2:
          Do("CREATE UNIQUE INDEX ON p (n) INCLUDE (k)");
          break;
        case 3:
        case 4:
        case 5:
          Do(fmt::format("CREATE UNIQUE INDEX ON p (({}))", Expression()));
          break;
        case 6:
          Do(fmt::format("CREATE UNIQUE INDEX ON p ({}) WHERE {}", dice_.OneIn(2) ? "n" : Column(), Predicate()));
          break;
        case 7:
          Do(fmt::format("CREATE INDEX ON p (({})) WHERE {}", Expression(), Predicate()));
          break;
        case 8:
          Do(fmt::format("CREATE INDEX ON p (({}::text::{}))", Column(), dice_.OneIn(2) ? "int" : "numeric"));
          break;
        case 9:
          AddExclusion();
          break;
        case 10:
          Do("CREATE UNIQUE INDEX ON p (g)");
          break;
        case 11:
          Do(dice_.OneIn(2) ? "CREATE MATERIALIZED VIEW v AS SELECT k, m, n FROM p WHERE k IS NOT NULL"
                            : "CREATE MATERIALIZED VIEW v AS SELECT k, count(*) AS n FROM p GROUP BY k");
          break;
        default: {
          const std::string column = Column();
          Do(fmt::format("ALTER TABLE p ADD CHECK ({}){}",
                         Filled(dice_.Pick(kChecks), column, column == "k" ? "m" : "k"),
                         dice_.OneIn(6) ? " NOT VALID" : ""));
        }
      }
    }
  }

  void AddExclusion() {
    static const std::vector<std::string> kExclusions = {"btree ({0} WITH =)",
                                                         "gist (n WITH =, {0} WITH <>)",
                                                         "gist ({0} WITH &&)",
                                                         "gist ({0} inet_ops WITH &&)",
                                                         "btree (lower({0}::text) WITH =) WHERE (n > 2)",
                                                         "gist ({0} WITH =, n WITH =)",
                                                         "hash ({0} WITH =)"};
    Do(fmt::format("ALTER TABLE p ADD EXCLUDE USING {}", Filled(dice_.Pick(kExclusions), Column())));
  }

  void AddReferences() {
    if (dice_.OneIn(2)) return;
    const bool pair = dice_.OneIn(5);
    if (pair) {
      Do("ALTER TABLE p ADD CONSTRAINT both_key UNIQUE (k, n)");
    } else {
      Do("ALTER TABLE p ADD CONSTRAINT k_key UNIQUE (k)");
    }
    const std::string type = dice_.OneIn(3) ? k_.referred : k_.name;
    const ValueType* known = TypeNamed(type);
    r_ = known == nullptr ? k_ : *known;
    references_ = true;
    std::string columns = fmt::format("id int PRIMARY KEY, r {}, n int", type);
    if (dice_.OneIn(6)) columns += fmt::format(", f {} GENERATED ALWAYS AS (r) STORED", type);
    Do(fmt::format("CREATE TABLE c ({})", columns));
    static const std::vector<std::string> kEndings = {
        "", "", "", " NOT VALID", " MATCH FULL", " DEFERRABLE INITIALLY DEFERRED", " NOT ENFORCED"};
    const std::string ending = dice_.Pick(kEndings);
    Do(pair ? "ALTER TABLE c ADD FOREIGN KEY (r, n) REFERENCES p (k, n)" + ending
            : "ALTER TABLE c ADD FOREIGN KEY (r) REFERENCES p (k)" + ending);
    if (dice_.OneIn(6)) Do("ALTER TABLE c ADD FOREIGN KEY (f) REFERENCES p (k)");
    if (!pair && dice_.OneIn(4)) {
      has_d_ = true;
      Do("ALTER TABLE c ADD UNIQUE (r)");
      Do(fmt::format("CREATE TABLE d (id int PRIMARY KEY, s {} REFERENCES c (r))", type));
    }
  }

  std::string Value(const ValueType& type, int row) {
    if (dice_.OneIn(9)) return "NULL";
    return SqlLiteral(type.values[static_cast<size_t>(row) % type.values.size()]);
  }

  void AddRows() {
    for (int row = 0; row < 28; ++row) {
      const int other = dice_.Below(1000);
      Do(fmt::format("INSERT INTO p (id, k, m, n) VALUES ({}, {}, {}, {})", row, Value(k_, row), Value(m_, other),
                     dice_.OneIn(6) ? "NULL" : std::to_string(row % 9)));
    }
    for (int row = 0; row < 20; ++row) {
      Do(fmt::format("INSERT INTO c (id, r, n) VALUES ({}, {}, {})", row, Value(k_, dice_.Below(1000)),
                     dice_.OneIn(6) ? "NULL" : std::to_string(row % 9)));
    }
    if (!ManyOf(k_).empty() && dice_.OneIn(2)) {
      Do(fmt::format("INSERT INTO p (id, k) SELECT 1000 + i, v::{} FROM ({}) x ON CONFLICT DO NOTHING", k_.name,
                     ManyOf(k_)));
      Do("INSERT INTO c (id, r) SELECT id, k FROM p WHERE id >= 1000");
    }
    if (has_d_) Do("INSERT INTO d SELECT id, r FROM c");
    Do("REFRESH MATERIALIZED VIEW v");
    Do("CREATE UNIQUE INDEX ON v (k)");
  }

  // A query for many values of the type, as columns i and v: all are different, and close to each other. Empty if no
  // rule takes the type but for "null" and "constant".
  static std::string ManyOf(const ValueType& type) {
    const std::string from = " FROM generate_series(0, 675) i";
    if (MaskTypes{MaskTypes::Group::kTexts}.Has(type.base)) {
      return "SELECT i, CASE WHEN i % 2 = 0 THEN upper(w) ELSE w END AS v FROM (SELECT i, chr(97 + i / 26) || chr(97 + "
             "i % "
             "26) AS w" +
             from + ") x";
    }
    static const std::map<std::string, std::string> kMany = {
        {"int2", "i - 300"},
        {"int4", "i - 300"},
        {"int8", "i - 300"},
        {"numeric", "CASE WHEN i % 2 = 0 THEN i / 100.00 ELSE i / 10.0 END"},
        {"float4", "i / 4.0"},
        {"float8", "i / 4.0"},
        {"date", "date '2020-01-01' + i"},
        {"timestamp", "timestamp '2020-01-01' + i * interval '25 hours'"},
        {"timestamptz", "timestamptz '2020-01-01 00:00+00' + i * interval '25 hours'"},
        {"uuid", "md5(i::text)"},
        {"inet", "'10.0.' || i / 256 || '.' || i % 256"},
        {"cidr", "'10.0.' || i / 256 || '.' || i % 256"},
        {"bytea", "decode(lpad(to_hex(i), 8, '0'), 'hex')"},
        {"jsonb", "jsonb_build_object('a', i::text)"}};
    const auto many = kMany.find(type.base);
    return many == kMany.end() ? "" : "SELECT i, " + many->second + " AS v" + from;
  }

  void AddLater() {
    for (int step = 0; step < 12; ++step) {
      switch (dice_.Below(4)) {
        case 0:
          change_.push_back(
              fmt::format("UPDATE p SET m = {} WHERE id = {}", Value(m_, dice_.Below(1000)), dice_.Below(28)));
          break;
        case 1:
          change_.push_back(
              fmt::format("UPDATE p SET k = {} WHERE id = {}", Value(k_, dice_.Below(1000)), dice_.Below(28)));
          break;
        case 2:
          change_.push_back(fmt::format("INSERT INTO p (id, k, m, n) VALUES ({}, {}, {}, {})", 100 + step,
                                        Value(k_, dice_.Below(1000)), Value(m_, dice_.Below(1000)), dice_.Below(9)));
          break;
        default:
          change_.push_back(fmt::format("INSERT INTO c (id, r, n) VALUES ({}, {}, {})", 100 + step,
                                        Value(k_, dice_.Below(1000)), dice_.Below(9)));
      }
    }
    // A view that cannot be made again cannot be imported either, masked or not.
    change_.emplace_back(
        "DO $view$ BEGIN REFRESH MATERIALIZED VIEW v; EXCEPTION WHEN unique_violation THEN DROP MATERIALIZED VIEW v; "
        "END "
        "$view$");
  }

  // A rule that takes the type, most of the time.
  MaskRule Rule(const ValueType& type) {
    const std::span<const MaskRuleRow> rows = MaskRuleTable();
    for (;;) {
      const MaskRuleRow& row = rows[static_cast<size_t>(dice_.Below(static_cast<int>(rows.size())))];
      if (row.what == MaskRuleRow::For::kTables || row.kind == MaskKind::kKeep) continue;
      if (!row.types.Has(type.base) && !dice_.OneIn(150)) continue;
      if ((row.kind == MaskKind::kNull || row.Takes("value")) && !dice_.OneIn(6)) continue;
      MaskRule rule = SuggestedRule(row.kind);
      if (row.kind == MaskKind::kNumber) rule.by = std::vector<int64_t>{2, 10, 1000, 1'000'000'000'000}[dice_.Below(4)];
      if (row.kind == MaskKind::kDate) rule.by = std::vector<int64_t>{2, 365, 1'000'000}[dice_.Below(3)];
      if (row.kind == MaskKind::kHash) rule.length = std::vector<int>{4, 16, 32}[dice_.Below(3)];
      if (row.Takes("value")) rule.value = dice_.OneIn(4) ? "a value of some length" : dice_.Pick(type.values);
      if (rule.value.empty() && row.Takes("value")) rule.value = "x";
      if (row.kind == MaskKind::kJson) rule.paths = {{"$..a", SuggestedRule(MaskKind::kText)}};
      return rule;
    }
  }

  void Add(const std::string& table, const std::string& column, MaskRule rule) {
    rule.pattern = schema_ + "." + table + "." + column;
    rule.parts = {schema_, table, column};
    result_.rules.push_back(std::move(rule));
  }

  void ChooseRules() {
    const MaskRule key = Rule(k_);
    const bool masks_key = !dice_.OneIn(6);
    if (masks_key) Add("p", "k", key);
    if (!masks_key || dice_.OneIn(3)) Add("p", "m", Rule(m_));
    if (references_ && (masks_key || dice_.OneIn(8))) {
      Add("c", "r", dice_.OneIn(12) ? Rule(r_) : key);
      if (has_d_ && !dice_.OneIn(8)) Add("d", "s", key);
    }
    if (references_ && dice_.OneIn(10)) Add(dice_.OneIn(2) ? "c" : "p", "n", Rule(*TypeNamed("int4")));
  }

  Dice dice_;
  const std::string schema_;
  ValueType k_, m_, r_;
  bool references_ = false, has_d_ = false;  // There are the tables c and d.
  std::vector<std::string> create_, change_;
  RandomMasks result_;
};

}  // namespace

const char* const kRandomMasksPrelude =
    "CREATE EXTENSION citext; CREATE EXTENSION btree_gist;"
    "CREATE COLLATION ignores_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
    "CREATE COLLATION ignores_accents (provider = icu, locale = 'und-u-ks-level1', deterministic = false);"
    "CREATE COLLATION turkish (provider = icu, locale = 'tr');"
    "CREATE DOMAIN word AS text CHECK (VALUE <> '-'); CREATE DOMAIN few AS varchar(5);"
    "CREATE TYPE mood AS ENUM ('glad', 'sad');";

std::string AsToml(const MaskRule& rule) {
  std::string settings;
  switch (rule.kind) {
    case MaskKind::kNumber:
      settings = fmt::format("by = {}", rule.by);
      break;
    case MaskKind::kDate:
      settings = fmt::format("days = {}", rule.by);
      break;
    case MaskKind::kHash:
      settings = fmt::format("length = {}", rule.length);
      break;
    case MaskKind::kConstant:
    case MaskKind::kPassword: {
      std::string value;
      for (const char c : rule.value) {
        if (c == '\t') {
          value += "\\t";
          continue;
        }
        if (c == '"' || c == '\\') value.push_back('\\');
        value.push_back(c);
      }
      settings = fmt::format("value = \"{}\"", value);
      break;
    }
    case MaskKind::kJson:
      for (const MaskPath& path : rule.paths) {
        settings += fmt::format("{}\"{}\" = {}", settings.empty() ? "paths = { " : ", ", path.path, AsToml(path.rule));
      }
      settings += " }";
      break;
    default:
      return fmt::format("\"{}\"", rule.name);
  }
  return fmt::format("{{ rule = \"{}\", {} }}", rule.name, settings);
}

std::string RandomMasks::Text() const {
  std::string text;
  for (const MaskRule& rule : rules) text += fmt::format("\"{}\" = {}\n", rule.pattern, AsToml(rule));
  return text + create + "\n" + change + "\n";
}

RandomMasks MakeRandomMasks(uint64_t number, const std::string& schema) {
  return MaskSchemaMaker(number, schema).Make();
}

}  // namespace rotv::testing
