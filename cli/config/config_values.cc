#include "cli/config/config_values.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "cli/config/home.h"
#include "cli/config/source_check.h"
#include "cli/output/did_you_mean.h"
#include "storage/error.h"

namespace rotv::config {
namespace {

std::string_view TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a decimal number";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or a time";
  }
}

// Parses a size, "2G", "512M" or "1000000", into bytes; returns nothing for any other text.
std::optional<uint64_t> BytesFrom(std::string_view text) {
  uint64_t number = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  if (problem != std::errc() || number == 0 || number > (1U << 30)) return std::nullopt;
  if (unit == "G" || unit == "g") return number << 30;
  if (unit == "M" || unit == "m") return number << 20;
  if (unit == "K" || unit == "k") return number << 10;
  return unit.empty() ? std::optional(number) : std::nullopt;
}

}  // namespace

void ConfigValues::Fail(const toml::source_region& where, const std::string& what, const std::string& hint) const {
  throw Error(ErrorCode::kUsage, fmt::format("{}:{}: {}", path_.native(), where.begin.line, what), hint);
}

FailAt ConfigValues::Failing() const {
  return [this](const auto& where, const auto& what, const auto& hint) { Fail(where, what, hint); };
}

void ConfigValues::FailOnType(const toml::key& key, const toml::node& node, std::string_view expected) const {
  FailOnPassword(key);
  Fail(key.source(), fmt::format("\"{}\" is {}", key.str(), TypeName(node)), fmt::format("expected {}", expected));
}

void ConfigValues::FailOnPassword(const toml::key& key) const {
  for (const char* name : {"password", "passwd", "PGPASSWORD", "pgpassword", "sslpassword"}) {
    if (key.str() != name) continue;
    Fail(key.source(), fmt::format("\"{}\": passwords are not kept in this file", key.str()),
         std::string(kPasswordHint));
  }
}

void ConfigValues::FailOnUnknown(const toml::key& key, const std::string& section,
                                 const std::vector<std::string>& known) const {
  FailOnPassword(key);
  Fail(key.source(), fmt::format("unknown key \"{}\"{}{}", key.str(), section.empty() ? "" : " in ", section),
       output::DidYouMean(key.str(), known, "known here are"));
}

const toml::table& ConfigValues::Table(const toml::key& key, const toml::node& node) const {
  if (!node.is_table()) FailOnType(key, node, fmt::format("a table: [{}.NAME] or [{}]", key.str(), key.str()));
  return *node.as_table();
}

std::string ConfigValues::Text(const toml::key& key, const toml::node& node) const {
  const auto* text = node.as_string();
  if (text == nullptr) FailOnType(key, node, "a string, in quotes");
  if (text->get().empty()) Fail(key.source(), fmt::format("\"{}\" is empty", key.str()), "leave it out, or fill it in");
  return text->get();
}

std::string ConfigValues::Path(const toml::key& key, const toml::node& node) const { return PathOf(Text(key, node)); }

std::string ConfigValues::VariableOf(const std::string& name) const { return os::Variable(environment_, name); }

std::string ConfigValues::PathOf(const std::string& text) const {
  std::filesystem::path path = ExpandTilde(text, environment_);
  return path.is_absolute() ? path.native() : (path_.parent_path() / path).lexically_normal().native();
}

bool ConfigValues::Flag(const toml::key& key, const toml::node& node) const {
  const auto* flag = node.as_boolean();
  if (flag == nullptr) FailOnType(key, node, "true or false, without quotes");
  return flag->get();
}

int ConfigValues::Days(const toml::key& key, const toml::node& node) const {
  constexpr int64_t kMostDays = 100'000;
  std::optional<int64_t> days = node.value_exact<int64_t>();
  if (!days || *days < 0 || *days > kMostDays) FailOnType(key, node, "a number of days: 7");
  return static_cast<int>(*days);
}

int ConfigValues::Port(const toml::key& key, const toml::node& node) const {
  const auto* number = node.as_integer();
  if (number == nullptr) FailOnType(key, node, "a whole number from 1 to 65535, without quotes");
  int64_t port = number->get();
  if (port < 1 || port > 65535) {
    Fail(key.source(), fmt::format("port {} is out of range", port), "expected a number from 1 to 65535");
  }
  return static_cast<int>(port);
}

uint64_t ConfigValues::Bytes(const toml::key& key, const toml::node& node) const {
  std::optional<uint64_t> bytes = BytesFrom(Text(key, node));
  if (!bytes) Fail(key.source(), fmt::format("\"{}\" is not a size", key.str()), "expected \"2G\" or \"900M\"");
  return *bytes;
}

std::vector<std::string> ConfigValues::Texts(const toml::key& key, const toml::node& node,
                                             const std::string& example) const {
  const std::string expected = "an array of strings, for example " + example;
  const auto* array = node.as_array();
  if (array == nullptr) FailOnType(key, node, expected);
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    if (text == nullptr) {
      Fail(element.source(), fmt::format("\"{}\" holds {}", key.str(), TypeName(element)), "expected " + expected);
    }
    texts.push_back(text->get());
  }
  return texts;
}

}  // namespace rotv::config
