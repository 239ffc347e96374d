#include "sync/drift/sketch_settings.h"

namespace rotv::drift {

std::vector<std::string> ResetSettings(const SchemaObject& before, const SchemaObject& after) {
  std::vector<std::string> statements;
  for (const auto& [name, setting] : before.settings) {
    if (!after.settings.contains(name)) statements.push_back(setting.reset);
  }
  return statements;
}

std::vector<std::string> SetSettings(const SchemaObject& before, const SchemaObject& after) {
  std::vector<std::string> statements;
  for (const auto& [name, setting] : after.settings) {
    auto found = before.settings.find(name);
    if (found == before.settings.end() || found->second.set != setting.set) statements.push_back(setting.set);
  }
  return statements;
}

std::vector<std::string> CreatedSettings(const SchemaObject& object) {
  std::vector<std::string> statements;
  for (const auto& [name, setting] : object.settings) {
    if (!setting.created) statements.push_back(setting.set);
  }
  return statements;
}

}  // namespace rotv::drift
