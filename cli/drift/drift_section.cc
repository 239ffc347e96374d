#include "cli/drift/drift_section.h"

#include <fmt/format.h>

#include "cli/did_you_mean.h"

namespace rotv {
namespace {

std::string ReadText(const toml::key& key, const toml::node& node, const FailAt& fail) {
  const auto* text = node.as_string();
  if (text == nullptr || text->get().empty()) {
    fail(key.source(), fmt::format("\"{}\" is no text", key.str()), "a text in quotes");
  }
  return text->get();
}

std::vector<std::string> ReadTexts(const toml::key& key, const toml::node& node, const FailAt& fail,
                                   const std::string& example) {
  std::vector<std::string> texts;
  const auto* array = node.as_array();
  if (array == nullptr) fail(key.source(), fmt::format("\"{}\" is no array", key.str()), "for example " + example);
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    if (text == nullptr || text->get().empty()) {
      fail(element.source(), fmt::format("\"{}\" holds something that is no text", key.str()),
           "for example " + example);
    }
    texts.push_back(text->get());
  }
  return texts;
}

}  // namespace

DriftConfig ReadDriftConfig(const toml::table& table, const FailAt& fail) {
  DriftConfig config;
  for (const auto& [key, node] : table) {
    if (key.str() == "migrations") {
      config.migrations = ReadText(key, node, fail);
    } else if (key.str() == "command") {
      config.command = ReadText(key, node, fail);
    } else if (key.str() == "roles") {
      config.roles = ReadTexts(key, node, fail, "[\"app_reader\"]");
    } else if (key.str() == "ignore") {
      config.ignore = ReadTexts(key, node, fail, "[\"index public.*\", \"table audit.*\"]");
    } else if (key.str() == "warn_at_start") {
      const auto* flag = node.as_boolean();
      if (flag == nullptr) fail(key.source(), "\"warn_at_start\" is not true or false", "without quotes");
      config.warn_at_start = flag->get();
    } else {
      fail(key.source(), fmt::format("unknown key \"{}\" in [schema]", key.str()),
           DidYouMean(key.str(), {"migrations", "command", "roles", "ignore", "warn_at_start"}, "known here are"));
    }
  }
  return config;
}

}  // namespace rotv
