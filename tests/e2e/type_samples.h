// Types with values that are easily garbled: escapes, extremes, and values that print differently under other settings.

#pragma once

#include <string>
#include <vector>

namespace rotv::testing {

enum class Order { kSortable, kNotSortable };

struct TypeSample {
  std::string type;
  std::vector<std::string> values;  // SQL expressions, standard_conforming_strings on; no two are equal as keys.
  Order order = Order::kSortable;   // Says if it can be a key.
};

// The one-time setup that CREATE TABLE with the types below needs.
inline constexpr const char* kTypeSamplesSetup = R"(
  CREATE EXTENSION hstore SCHEMA public;
  CREATE EXTENSION citext SCHEMA public;
  CREATE TYPE public.pair AS (a int, "b c" text, d date);
  CREATE TYPE public."Mood.s" AS ENUM ('good', 'it''s, "ok"', '', 'back\slash', 'b ad');
  CREATE DOMAIN public.positive AS int CHECK (VALUE > 0);
  CREATE DOMAIN public.words AS text[] CHECK (array_length(VALUE, 1) < 10);
  CREATE TYPE public.floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
  CREATE TABLE public."named by.regclass" (id int PRIMARY KEY);
)";

inline std::vector<TypeSample> TypeSamples() {
  constexpr Order kNo = Order::kNotSortable;
  return {
      {"text",
       {"''",
        "'plain'",
        R"(E'back\\slash')",
        R"(E'tab\there')",
        R"(E'new\nline')",
        R"(E'\r\n')",
        R"(E'\r')",
        R"('\.')",
        R"('\N')",
        R"('\\N')",
        R"('it''s "quoted"')",
        "'Grüße 😀 日本'",
        R"(E'\b\f\v\x01\x7f')",
        "repeat('x', 1500)",
        R"(E'\\\n\\.\n')",
        "' around '",
        "'NULL'",
        "'null'",
        R"('\')",
        R"(E'\n')",
        R"('--')",
        "';'",
        "'$$'"}},
      {"varchar(20)", {"''", "'ß'", "'a b'", R"('\t')"}},
      {"char(5)", {"''", "'a'", "'abcde'", R"(E'\t')"}},
      {"\"char\"", {"''", "'a'", R"('\')", R"(E'\n')"}},
      {"name", {"''", "'pg_x'", R"(E'a\tb')"}},
      {"public.citext", {"'Mixed'", "'other'", "''"}},
      {"bytea", {R"('\x')", R"('\x00')", R"('\xdeadbeef')", "decode(repeat('5c', 100), 'hex')", "'abc'", R"('\x27')"}},
      {"boolean", {"true", "false"}},
      {"smallint", {"-32768", "-1", "0", "1", "32767"}},
      {"int", {"-2147483648", "-1", "0", "1", "2147483647"}},
      {"bigint", {"-9223372036854775808", "-1", "0", "1", "9223372036854775807"}},
      {"oid", {"0", "1", "4294967295"}},
      {"numeric",
       {"0", "1.00", "-1.5", "'NaN'", "'Infinity'", "'-Infinity'", "1e-100", "12345678901234567890.123456789000",
        "10::numeric ^ 1000", "-0.000001", "0.1"}},
      {"numeric(10,2)", {"0", "1", "-99999999.99", "'NaN'"}},
      {"real", {"0", "'NaN'", "'Infinity'", "'-Infinity'", "'1e-45'", "'3.4028235e38'", "0.1", "'-1.17549435e-38'"}},
      {"double precision",
       {"'-0'", "'NaN'", "'Infinity'", "'-Infinity'", "'5e-324'", "1.7976931348623157e308", "0.1", "1.0/3", "1e15",
        "123456789012345678"}},
      {"money", {"0", "'-0.01'", "'$92233720368547758.07'"}},
      {"date",
       {"'4714-11-24 BC'", "'0044-03-15 BC'", "'infinity'", "'-infinity'", "'5874897-12-31'", "'2000-02-29'",
        "'0001-01-01'"}},
      {"timestamp",
       {"'4714-11-24 00:00 BC'", "'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999'", "'2020-12-11 10:09:08'",
        "'1999-12-31 23:59:59.1'"}},
      {"timestamptz",
       {"'4714-11-24 00:00+00 BC'", "'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999+00'",
        "'2020-06-11 10:09:08+05:30'", "'1883-11-18 12:00+00'", "'2021-03-14 06:59:59.5+00'"}},
      {"timestamptz(0)", {"'2020-01-01 00:00:00.6+00'", "'2020-01-01 00:00:02+00'"}},
      {"time", {"'00:00'", "'24:00'", "'23:59:59.999999'"}},
      {"timetz", {"'12:00:00+15:59'", "'12:00-03:30:15'", "'24:00+00'"}},
      {"interval",
       {"'1 year -2 days +03:04:05.6'", "'-1 mons'", "'178000000 years'", "'0'", "'-00:00:00.000001'",
        "'-1 years -2 mons +3 days -04:05:06'", "'1 day'", "'25 hours'"}},
      {"interval hour to second(2)", {"'12:34:56.789'", "'-1:0:0'"}},
      {"uuid", {"'00000000-0000-0000-0000-000000000000'", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"}},
      {"inet", {"'192.168.0.1/24'", "'192.168.0.1'", "'::1'", "'fe80::1/10'", "'0.0.0.0/0'"}},
      {"cidr", {"'10.0.0.0/8'", "'2001:db8::/32'", "'192.168.0.1/32'"}},
      {"macaddr", {"'08:00:2b:01:02:03'"}},
      {"macaddr8", {"'08:00:2b:01:02:03:04:05'"}},
      {"json",
       {R"('{"a": [1, 2,   {"b": null}]}')", R"(E'"\\u00e9\\n"')", R"(E'{\n\t"x" :1,"x":2}')", "'null'", "'1e400'"},
       kNo},
      {"jsonb", {R"('{"b": [1, 2.50, {"a": null}], "": "\"\\ "}')", R"(E'"\\u00e9\\n"')", "'null'", "'{}'", "'1e400'"}},
      {"jsonpath", {R"('$.a[*] ? (@ > 1 && @.b like_regex "^x\\d")')", "'strict $'"}, kNo},
      {"xml", {R"(E'<a b="c">t&amp;x\n</a>')", "'text only'", "'<!-- c --><a/>'"}, kNo},
      {"tsvector", {R"('''it''''s'':1A fat:2,3B ''a b''')", "''", R"($$'back\\slash'$$)"}},
      {"tsquery", {"'fat & (rat | !cat)'", "'a <-> b:*A'", "''"}},
      {"bit(5)", {"'10101'", "'00000'"}},
      {"bit varying", {"''", "'1'", "'0101010101'"}},
      {"bit(1)", {"'1'", "'0'"}},
      {"point", {"'(-0,0.1)'", "'(1e300,NaN)'", "'(Infinity,-Infinity)'"}, kNo},
      {"line", {"'{1,-1,0.3}'"}, kNo},
      {"lseg", {"'[(0,0),(1,0.1)]'"}, kNo},
      {"box", {"'(2,2),(0.1,-1)'"}, kNo},
      {"path", {"'[(0,0),(1,1)]'", "'((0,0),(1,1),(2,0.1))'"}, kNo},
      {"polygon", {"'((0,0),(1,1),(2,0.1))'"}, kNo},
      {"circle", {"'<(0.1,0.2),3>'"}, kNo},
      {"pg_lsn", {"'0/0'", "'FFFFFFFF/FFFFFFFF'", "'16/B374D848'"}},
      {"xid", {"'1'", "'4294967295'"}, kNo},
      {"xid8", {"'18446744073709551615'", "'3'"}},
      {"tid", {"'(0,1)'", "'(4294967295,65535)'"}},
      {"pg_snapshot", {"'10:20:10,14,15'"}, kNo},
      {"regclass", {"'pg_class'", R"('public."named by.regclass"')", "0"}},
      {"regtype", {"'int4'", "'public.pair'", "'public.\"Mood.s\"[]'"}},
      {"regprocedure", {"'pg_catalog.abs(int8)'", "'public.hstore(text, text)'"}},
      {"int4range", {"'empty'", "'[1,5)'", "'(,)'", "'[-5,]'"}},
      {"numrange", {"'empty'", "'(1.0,1.10]'", "'[,Infinity]'"}},
      {"daterange", {"'[2020-01-01,2020-02-01)'", "'[0044-03-15 BC,infinity)'"}},
      {"tsrange", {"'[2020-01-01 10:00,)'"}},
      {"tstzrange", {"'[2020-01-01 10:00+00,2021-01-01 00:00+00)'", "'(,infinity)'"}},
      {"public.floatrange", {"'[0.1,0.30000000000000004)'"}},
      {"int4multirange", {"'{}'", "'{[1,3),[5,7)}'"}},
      {"tstzmultirange", {"'{[2020-01-01 10:00+00,2021-01-01 00:00+00)}'"}},
      {"int[]", {"'{}'", "'{1,NULL,3}'", "'[0:1]={1,2}'", "'{{1,2},{3,4}}'"}},
      {"text[]", {R"(ARRAY['', NULL, 'NULL', 'a,b', 'q"', 'back\slash', '{}', E'new\nline\t', ' '])", "'{}'"}},
      {"bytea[]", {R"(ARRAY['\x00ff'::bytea, '\x5c'])"}},
      {"timestamptz[]", {"ARRAY['2020-06-11 10:09:08+05:30'::timestamptz, 'infinity']"}},
      {"float8[]", {"'{0.1,-0,NaN}'"}},
      {"public.pair", {R"(ROW(1, E'x"y,()\\ \n', '0044-03-15 BC'))", "ROW(NULL, NULL, NULL)", "ROW(NULL, '', NULL)"}},
      {"public.pair[]", {R"(ARRAY[ROW(1, E'x"y,()\\', '2020-02-01')::public.pair, NULL])"}},
      {"public.\"Mood.s\"", {"'good'", R"('it''s, "ok"')", "''", R"('back\slash')"}},
      {"public.\"Mood.s\"[]", {R"(ARRAY['good', 'it''s, "ok"', '', 'back\slash', 'b ad']::public."Mood.s"[])"}},
      {"public.positive", {"1", "2147483647"}},
      {"public.words", {"ARRAY['a', 'b c']"}},
      {"public.hstore", {R"('a=>1, "b c"=>NULL, "q\"\\"=>""')", "''"}},
  };
}

}  // namespace rotv::testing
