#include "tests/support/random/random_masks.h"

#include <fmt/format.h>

#include <span>
#include <utility>
#include <vector>

#include "sync/context/mask_rule_table.h"
#include "tests/support/random/mask_values.h"
#include "tests/support/random/random_mask_types.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {
namespace {

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
  MaskableType Type() {
    for (;;) {
      const MaskableType& type = dice_.Pick(MaskableTypes());
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
    return Filled(dice_.Pick(MaskExpressions()), column, column == "k" ? "m" : "k");
  }
  std::string Predicate() {
    const std::string column = Column();
    return Filled(dice_.Pick(MaskPredicates()), column, column == "k" ? "m" : "k");
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
                         Filled(dice_.Pick(MaskChecks()), column, column == "k" ? "m" : "k"),
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
    const MaskableType* known = MaskableTypeNamed(type);
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

  std::string Value(const MaskableType& type, int row) {
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
  MaskRule Rule(const MaskableType& type) {
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
    if (references_ && dice_.OneIn(10)) Add(dice_.OneIn(2) ? "c" : "p", "n", Rule(*MaskableTypeNamed("int4")));
  }

  Dice dice_;
  const std::string schema_;
  MaskableType k_, m_, r_;
  bool references_ = false, has_d_ = false;  // There are the tables c and d.
  std::vector<std::string> create_, change_;
  RandomMasks result_;
};

}  // namespace

std::string RandomMasks::Text() const {
  std::string text;
  for (const MaskRule& rule : rules) text += fmt::format("\"{}\" = {}\n", rule.pattern, AsToml(rule));
  return text + create + "\n" + change + "\n";
}

RandomMasks MakeRandomMasks(uint64_t number, const std::string& schema) {
  return MaskSchemaMaker(number, schema).Make();
}

}  // namespace rotv::testing
