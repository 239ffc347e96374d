#include "tests/support/random/random_mask_types.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "sync/context/mask_rule_table.h"

namespace rotv::testing {
namespace {

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

}  // namespace

const char* const kRandomMasksPrelude =
    "CREATE EXTENSION citext; CREATE EXTENSION btree_gist;"
    "CREATE COLLATION ignores_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
    "CREATE COLLATION ignores_accents (provider = icu, locale = 'und-u-ks-level1', deterministic = false);"
    "CREATE COLLATION turkish (provider = icu, locale = 'tr');"
    "CREATE DOMAIN word AS text CHECK (VALUE <> '-'); CREATE DOMAIN few AS varchar(5);"
    "CREATE TYPE mood AS ENUM ('glad', 'sad');";

const std::vector<MaskableType>& MaskableTypes() {
  static const std::vector<MaskableType> kAll = {
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
  return kAll;
}

const MaskableType* MaskableTypeNamed(const std::string& name) {
  const auto found = std::find_if(MaskableTypes().begin(), MaskableTypes().end(),
                                  [&](const MaskableType& one) { return one.name == name; });
  return found == MaskableTypes().end() ? nullptr : &*found;
}

const std::vector<std::string>& MaskExpressions() {
  static const std::vector<std::string> kAll = {"lower({0}::text)",
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
  return kAll;
}

const std::vector<std::string>& MaskPredicates() {
  static const std::vector<std::string> kAll = {"{0} IS NULL",
                                                "{0} IS NOT NULL",
                                                "n > 3",
                                                "{0}::text <> ''",
                                                "{1} IS NULL",
                                                "{0} > n",
                                                "{0} = {1}",
                                                "{0}::text LIKE 'a%'",
                                                "NOT ({0} IS NULL)",
                                                "{0} IS NOT NULL AND n IS NOT NULL"};
  return kAll;
}

const std::vector<std::string>& MaskChecks() {
  static const std::vector<std::string> kAll = {"{0}::text <> ''",
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
  return kAll;
}

std::string ManyOf(const MaskableType& type) {
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

}  // namespace rotv::testing
