// The manifest of a warm cluster (warm_clusters.h): what it holds, and its files.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/launch/warm_state.h"
#include "storage/interrupt.h"

namespace rotv::launch {

struct WarmFile {
  std::string name;  // Below the cluster's directory.
  bool is_directory = false;
  uint64_t bytes = 0;
  int64_t modified_ns = 0;
  std::string sum = {};  // ChecksumText().
};

struct WarmManifest {
  std::string purpose;  // PurposeKey().
  std::string empty_purpose;
  std::string group;  // Clusters of one group are limited in number together.
  std::string source;
  WarmState state;
  std::string server;
  uint64_t bytes = 0;
  int64_t made_time_us = 0;
  std::string boot;             // The BootId() under which all bytes were last known to be what was written.
  std::vector<WarmFile> files;  // Sorted by name: a directory comes before what is in it.
};

std::filesystem::path WarmManifestPath(const std::filesystem::path& directory);

// Of the directory HOME/warm/ID. Nothing if there is none, or if it is not what was written.
std::optional<WarmManifest> ReadWarmManifest(const std::filesystem::path& directory);
void WriteWarmManifest(const std::filesystem::path& directory, const WarmManifest& manifest);  // Throws kDisk.

// Returns what is different in the files' names, sizes and times; empty if nothing is. Reads none of them.
std::string DifferenceInFiles(const std::filesystem::path& cluster, const WarmManifest& manifest);
// Returns the first file with other bytes; empty if there is none.
std::string DifferenceInBytes(const std::filesystem::path& cluster, const WarmManifest& manifest,
                              const Interrupt& interrupt);

}  // namespace rotv::launch
