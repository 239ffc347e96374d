#include "tests/support/random/mask_values.h"

#include <fmt/format.h>

namespace rotv::testing {

MaskRule PlainRule(MaskKind kind, const std::string& name, int64_t by) {
  return {.kind = kind,
          .name = name,
          .pattern = "public.t.c",
          .parts = {"public", "t", "c"},
          .value = {},
          .by = by,
          .conditions = {},
          .paths = {}};
}

namespace {

std::vector<MaskRule> TextRules() {
  return {PlainRule(MaskKind::kText, "text"),       PlainRule(MaskKind::kPhone, "phone"),
          PlainRule(MaskKind::kEmail, "email"),     PlainRule(MaskKind::kName, "name"),
          PlainRule(MaskKind::kAddress, "address"), PlainRule(MaskKind::kUrl, "url"),
          PlainRule(MaskKind::kHash, "hash"),       PlainRule(MaskKind::kIp, "ip"),
          PlainRule(MaskKind::kUuid, "uuid"),       PlainRule(MaskKind::kFirstName, "first_name")};
}

std::vector<MaskRule> Moved(MaskKind kind, const std::string& name) {
  return {PlainRule(kind, name, 2), PlainRule(kind, name, 365), PlainRule(kind, name, 1'000'000'000'000)};
}

std::vector<std::string> Texts(size_t length) {
  std::string words, cyrillic;
  while (words.size() < length) words += "Anna 4711, ";
  while (cyrillic.size() < length) cyrillic += "Анна ";
  return {"", "a", "A", "ÉÈßÿİıſς", words, cyrillic, std::string(length, '-'), std::string(length, '7')};
}

std::vector<std::string> Numerics() {
  const std::string nines(131'072, '9'), fraction(16'383, '3');
  return {"0",
          "-1",
          "0.00",
          "NaN",
          "Infinity",
          "-Infinity",
          nines,
          "-" + nines + "." + fraction,
          "0." + fraction,
          "-0." + std::string(16'382, '0') + "1",
          "0.0000000000000000000033333333333333333333",
          "1" + std::string(36, '0'),
          "-1" + std::string(37, '0'),
          std::string(36, '9'),
          "-" + std::string(36, '9') + ".5"};
}

std::vector<std::string> Documents() {
  std::string deep(4000, '['), wide = "[";
  deep += std::string(4000, ']');
  while (wide.size() < 100'000) wide += R"({"a": "Anna", "b": [1, -0, 1.50, 1e300, null, true]}, )";
  return {"{}", "[]", R"("a")", "0", "null", deep, wide + "0]", R"({"a": {"a": {"a": "x"}}, "A": ""})"};
}

MaskRule JsonRule() {
  MaskRule rule = PlainRule(MaskKind::kJson, "json");
  rule.paths = {{"$..a", PlainRule(MaskKind::kText, "text")}, {"$..b", PlainRule(MaskKind::kNumber, "number")}};
  return rule;
}

}  // namespace

std::vector<MaskedType> MaskedTypes(size_t long_text) {
  const auto column = [](const std::string& type) { return mask::MaskColumn{.name = "c", .type = type}; };
  mask::MaskColumn citext = column("citext"), cased = column("text");
  citext.ignores_case = cased.ignores_case = true;
  citext.equality = mask::Lowering::kUnicode;
  return {
      {{column("text"), citext, cased}, TextRules(), Texts(long_text)},
      {{column("int2")}, Moved(MaskKind::kNumber, "number"), {"0", "-1", "32767", "-32768"}},
      {{column("int4")}, Moved(MaskKind::kNumber, "number"), {"0", "2147483647", "-2147483648"}},
      {{column("int8")}, Moved(MaskKind::kNumber, "number"), {"0", "9223372036854775807", "-9223372036854775808"}},
      {{column("numeric")}, Moved(MaskKind::kNumber, "number"), Numerics()},
      {{column("float4")},
       Moved(MaskKind::kNumber, "number"),
       {"0", "-0", "3.4028235e+38", "-3.4028235e+38", "1e-45", "1.1754942e-38", "NaN", "Infinity", "-Infinity"}},
      {{column("float8")},
       Moved(MaskKind::kNumber, "number"),
       {"0", "-0", "1.7976931348623157e+308", "-1.7976931348623157e+308", "5e-324", "1e+30", "NaN", "-Infinity"}},
      {{column("date")},
       Moved(MaskKind::kDate, "date"),
       {"4714-11-24 BC", "4713-01-01 BC", "0001-12-31 BC", "0001-01-01", "2024-02-29", "5874897-12-31", "infinity",
        "-infinity"}},
      {{column("timestamp")},
       Moved(MaskKind::kDate, "date"),
       {"4714-11-24 00:00:00 BC", "4713-01-01 23:59:59.999999 BC", "0001-01-01 00:00:00",
        "294276-12-31 23:59:59.999999", "infinity", "-infinity"}},
      {{column("timestamptz")},
       Moved(MaskKind::kDate, "date"),
       {"4714-11-24 00:00:00+00 BC", "0044-03-15 12:00:00.5+00 BC", "294276-12-31 23:59:59.999999+00", "infinity"}},
      {{column("uuid")}, {PlainRule(MaskKind::kUuid, "uuid")}, {"00000000-0000-0000-0000-000000000000"}},
      {{column("inet")},
       {PlainRule(MaskKind::kIp, "ip")},
       {"0.0.0.0", "0.0.0.0/0", "255.255.255.255", "::", "::/0", "ffff::1/127"}},
      {{column("cidr")},
       {PlainRule(MaskKind::kIp, "ip")},
       {"0.0.0.0/0", "255.255.255.255/32", "::/0", "ffff::1/128", "fe80::/10"}},
      {{column("bytea")}, {PlainRule(MaskKind::kHash, "hash")}, {"\\x", "\\x00", "\\x" + std::string(long_text, 'f')}},
      {{column("json"), column("jsonb")}, {JsonRule()}, Documents()},
  };
}

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

}  // namespace rotv::testing
