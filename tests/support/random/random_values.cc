#include "tests/support/random/random_values.h"

#include <algorithm>
#include <map>

#include "fmt/format.h"

namespace rotv::testing {
namespace {

// Small whole numbers occur again in other statements; the other values are easily garbled.
const std::map<std::string, std::vector<std::string>>& Samples() {
  static const std::map<std::string, std::vector<std::string>> samples = {
      {"boolean", {"true", "false"}},
      {"date", {"'2020-02-29'", "'infinity'", "'0044-03-15 BC'", "'1999-12-31'", "'2024-05-05'"}},
      {"timestamp without time zone", {"'2020-12-11 10:09:08'", "'-infinity'", "'1999-12-31 23:59:59.123456'"}},
      {"timestamp with time zone", {"'2020-06-11 10:09:08+05:30'", "'1883-11-18 12:00+00'", "'infinity'"}},
      {"time without time zone", {"'00:00'", "'24:00'", "'23:59:59.999999'"}},
      {"interval", {"'1 year -2 days +03:04:05.6'", "'-1 mons'", "'0'", "'25 hours'"}},
      {"uuid", {"'00000000-0000-0000-0000-000000000000'", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"}},
      {"inet", {"'192.168.0.1/24'", "'192.168.0.1'", "'::1'", "'fe80::1/10'"}},
      {"cidr", {"'10.0.0.0/8'", "'2001:db8::/32'", "'192.168.0.1/32'"}},
      {"bit", {"'1'", "'10101'", "'00000'"}},
      {"bit varying", {"''", "'1'", "'0101010101'"}},
      {"real", {"'NaN'", "'-Infinity'", "0.1", "'1e-45'", "7"}},
      {"double precision", {"'-0'", "'NaN'", "'5e-324'", "0.1", "1e15", "3"}},
      {"json", {R"('{"a": [1, 2,   {"b": null}]}')", R"(E'{\n\t"x" :1,"x":2}')", "'null'"}},
      {"jsonb", {R"('{"b": [1, 2.50, {"a": null}], "": "\"\\ "}')", R"(E'"\\u00e9\\n"')", "'null'", "'{}'"}},
      {"tsvector", {R"('''it''''s'':1A fat:2,3B ''a b''')", "''"}},
      {"point", {"'(-0,0.1)'", "'(1e300,NaN)'"}},
      {"xml", {R"(E'<a b="c">t&amp;x\n</a>')", "'text only'"}},
      {"int4range", {"'empty'", "'[1,5)'", "'(,)'", "'[-5,]'"}},
      {"numrange", {"'empty'", "'(1.0,1.10]'", "'[,Infinity]'"}},
      {"tstzrange", {"'[2020-01-01 10:00+00,2021-01-01 00:00+00)'", "'(,infinity)'"}},
      {"int4multirange", {"'{}'", "'{[1,3),[5,7)}'"}},
      {"regclass", {"'pg_catalog.pg_class'", "'pg_catalog.pg_type'"}},
      {"regtype", {"'integer'", "'text[]'"}},
  };
  return samples;
}

bool NoOrder(const std::string& plain) {
  return plain == "json" || plain == "xml" || plain == "point" || plain == "regclass" || plain == "regtype";
}

// numeric(10,2) is a numeric.
std::string WithoutModifier(const std::string& type) {
  const size_t open = type.find('(');
  if (open == std::string::npos) return type;
  return type.substr(0, open) + type.substr(type.find(')', open) + 1);
}

std::string Cast(const std::string& value, const std::string& type) { return fmt::format("({})::{}", value, type); }

}  // namespace

bool CanBeKey(const std::string& type, const RandomCatalog& catalog) {
  if (type.ends_with("[]")) return CanBeKey(type.substr(0, type.size() - 2), catalog);
  if (const RandomType* own = catalog.FindType(type)) {
    return own->kind == 'e' || (own->kind == 'd' && CanBeKey(own->base, catalog));
  }
  return !NoOrder(WithoutModifier(type));
}

std::string RandomValues::Type() {
  if (!catalog_.types.empty() && dice_.OneIn(5)) {
    return dice_.Pick(catalog_.types).sql + (dice_.OneIn(6) ? "[]" : "");
  }
  static const std::vector<std::string> kTypes = {"integer",
                                                  "integer",
                                                  "bigint",
                                                  "smallint",
                                                  "text",
                                                  "text",
                                                  "text",
                                                  "character varying(30)",
                                                  "character varying",
                                                  "character(5)",
                                                  "numeric",
                                                  "numeric(10,2)",
                                                  "bytea",
                                                  "integer[]",
                                                  "text[]",
                                                  "bit(5)",
                                                  "numeric[]"};
  if (dice_.OneIn(2)) return dice_.Pick(kTypes);
  auto sample = Samples().begin();
  std::advance(sample, dice_.Below(static_cast<int>(Samples().size())));
  return sample->first;
}

std::string RandomValues::KeyType() {
  static const std::vector<std::string> kTypes = {"integer",
                                                  "integer",
                                                  "integer",
                                                  "bigint",
                                                  "smallint",
                                                  "text",
                                                  "character varying(30)",
                                                  "numeric",
                                                  "numeric(10,2)",
                                                  "uuid",
                                                  "date",
                                                  "bytea",
                                                  "inet",
                                                  "int4range",
                                                  "text[]",
                                                  "timestamp with time zone"};
  if (!catalog_.types.empty() && dice_.OneIn(6)) {
    const RandomType& own = dice_.Pick(catalog_.types);
    if (CanBeKey(own.sql, catalog_)) return own.sql;
  }
  return dice_.Pick(kTypes);
}

std::string RandomValues::Text() {
  static const std::vector<std::string> kPieces = {R"(\)", "\t", "\n", R"(\N)", R"(\.)", "'",    "\"", "ß", "😀",
                                                   "a",    "b",  "",   " ",     "\r",    "\x01", "--", ";", "$$"};
  std::string text;
  for (int i = dice_.Below(5); i > 0; --i) text += dice_.Pick(kPieces);
  return SqlLiteral(text);
}

// Large values are stored outside of their row (TOAST), where an update can leave them unchanged.
std::string RandomValues::TextOf(ValueSize size) {
  if (size == ValueSize::kAny && dice_.OneIn(5)) {
    return fmt::format("repeat(md5('{}'), {})", dice_.Below(1000), 80 + dice_.Below(300));
  }
  return dice_.OneIn(3) ? fmt::format("'word {}'", dice_.Below(60)) : Text();
}

std::string RandomValues::Digits(int most) { return std::to_string(dice_.Below(most)); }

std::string RandomValues::Array(const std::string& element, ValueSize size) {
  std::string list;
  for (int i = dice_.Below(4); i > 0; --i) {
    if (!list.empty()) list += ", ";
    list += dice_.OneIn(6) ? "NULL" : Value(element, size);
  }
  return Cast("ARRAY[" + list + "]", element + "[]");
}

std::string RandomValues::OwnValue(const RandomType& type, ValueSize size) {
  if (type.kind == 'd') return Cast(Value(type.base, ValueSize::kSmall), type.sql);
  if (type.kind == 'e') return type.labels.empty() ? "NULL" : Cast(SqlLiteral(dice_.Pick(type.labels)), type.sql);
  std::string list;
  for (const std::string& attribute : type.attribute_types) {
    if (!list.empty()) list += ", ";
    list += dice_.OneIn(5) ? "NULL" : Value(attribute, size);
  }
  return Cast("ROW(" + list + ")", type.sql);
}

std::string RandomValues::Value(const std::string& type, ValueSize size) {
  if (type.ends_with("[]")) return Array(type.substr(0, type.size() - 2), size);
  if (const RandomType* own = catalog_.FindType(type)) return OwnValue(*own, size);
  const std::string plain = WithoutModifier(type);
  if (plain == "integer" || plain == "bigint") {
    return Cast(dice_.OneIn(8) ? Digits(100000) : Digits(60), type);
  }
  if (plain == "smallint") return Cast(Digits(200), type);
  if (plain == "numeric") {
    // The tails give one number several texts.
    static const std::vector<std::string> kTails = {"", "", ".0", ".00", ".5", ".123456"};
    return Cast(Digits(60) + dice_.Pick(kTails), type);
  }
  if (plain == "uuid" && !dice_.OneIn(4)) return Cast(fmt::format("md5('{}')", dice_.Below(60)), type);
  if (plain == "bytea") return Cast(fmt::format("convert_to({}, 'UTF8')", TextOf(size)), type);
  if (plain == "date" && !dice_.OneIn(4)) return Cast("date '2020-01-01' + " + Digits(60), type);
  if (plain == "timestamp with time zone" && !dice_.OneIn(4)) {
    return Cast(fmt::format("timestamptz '2020-01-01 12:00+00' + interval '{} hours'", dice_.Below(60)), type);
  }
  if ((plain == "regclass") && !catalog_.tables.empty() && dice_.OneIn(3)) {
    return Cast(SqlLiteral(dice_.Pick(catalog_.tables).Sql()), type);
  }
  if (const auto samples = Samples().find(plain); samples != Samples().end()) {
    return Cast(dice_.Pick(samples->second), type);
  }
  if (plain == "character varying" || plain == "character") size = ValueSize::kSmall;
  return Cast(TextOf(size), type);
}

std::string RandomValues::ValueFor(const RandomTable& table, const RandomColumn& column) {
  if (!column.not_null && !column.partition_key && dice_.OneIn(6)) return "NULL";
  if (!column.foreign.empty()) {
    return fmt::format("(SELECT {0} FROM {1} WHERE {0} IS NOT NULL ORDER BY {0} LIMIT 1 OFFSET {2})",
                       SqlName(column.foreign_column), column.foreign, dice_.Below(3));
  }
  if (column.partition_key && column.type == "text") {
    static const std::vector<std::string> kListed = {"'a'", "'b'", "'c'", "'other'"};
    return dice_.Pick(kListed);
  }
  if (column.partition_key && column.type == "integer" && dice_.OneIn(4)) {
    return std::to_string(1000 + dice_.Below(100));
  }
  const bool may_be_large = !column.in_key && table.strategy == ' ';
  return Value(column.type, may_be_large ? ValueSize::kAny : ValueSize::kSmall);
}

std::string RandomValues::Default(const std::string& type) {
  const std::string plain = WithoutModifier(type);
  if (dice_.OneIn(4)) {
    if (plain == "text" || plain == "character varying") return "md5(random()::text)";
    if (plain == "timestamp with time zone") return dice_.OneIn(2) ? "now()" : "clock_timestamp()";
    if (plain == "uuid") return "gen_random_uuid()";
    if (plain == "integer") return "(random() * 1000)::integer";
  }
  return Value(type, ValueSize::kSmall);
}

}  // namespace rotv::testing
