// Reads values of rotv.toml and checks their types. The readers of its sections share this.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/config/fail_at.h"
#include "cli/config/toml.h"
#include "os/environment.h"

namespace rotv::config {

class ConfigValues {
 public:
  // `path` is the file's, for errors and relative paths. Both references outlive this object.
  ConfigValues(const std::filesystem::path& path, const os::Environment& environment)
      : path_(path), environment_(environment) {}

  // These throw kUsage, with the file and the line.
  [[noreturn]] void Fail(const toml::source_region& where, const std::string& what, const std::string& hint) const;
  [[noreturn]] void FailOnType(const toml::key& key, const toml::node& node, std::string_view expected) const;
  // Reports a key that is not known in a section.
  [[noreturn]] void FailOnUnknown(const toml::key& key, const std::string& section,
                                  const std::vector<std::string>& known) const;
  FailAt Failing() const;
  // Throws for a key that looks like a password, and says where passwords belong; returns for any other key.
  // FailOnType() and FailOnUnknown() call it first.
  void FailOnPassword(const toml::key& key) const;

  // These throw kUsage if the value has another type. Texts and paths are never empty.
  const toml::table& Table(const toml::key& key, const toml::node& node) const;
  std::string Text(const toml::key& key, const toml::node& node) const;
  std::string Path(const toml::key& key, const toml::node& node) const;
  bool Flag(const toml::key& key, const toml::node& node) const;
  int Port(const toml::key& key, const toml::node& node) const;
  int Days(const toml::key& key, const toml::node& node) const;
  uint64_t Bytes(const toml::key& key, const toml::node& node) const;  // "2G"
  // `example` is an array of strings as one would write it in the file.
  std::vector<std::string> Texts(const toml::key& key, const toml::node& node, const std::string& example) const;

  // The file, for errors.
  const std::string& PathText() const { return path_.native(); }
  // Replaces "~"; a relative path is relative to the file's directory.
  std::string PathOf(const std::string& text) const;
  // The environment's variable; empty if it is not set.
  std::string VariableOf(const std::string& name) const;

 private:
  const std::filesystem::path& path_;
  const os::Environment& environment_;
};

}  // namespace rotv::config
