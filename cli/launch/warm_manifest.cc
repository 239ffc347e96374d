#include "cli/launch/warm_manifest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/launch/checked_note.h"
#include "cli/launch/facts_note.h"
#include "storage/file_checksum.h"

namespace rotv::launch {

// Must be in the namespace of the enumeration, where it is looked for.
NLOHMANN_JSON_SERIALIZE_ENUM(WarmKind, {{WarmKind::kEmpty, "empty"},
                                        {WarmKind::kState, "state"},
                                        {WarmKind::kForeign, "foreign"},
                                        {WarmKind::kSaved, "saved"}})

namespace {

namespace fs = std::filesystem;

constexpr int64_t kVersion = 1;  // Of the manifest and of what a cluster has in it. Others are leftovers.

nlohmann::json JsonOf(const history::ResolvedPoint& point) {
  return {{"lsn", point.lsn.ToString()},
          {"time_us", point.time_us},
          {"baseline_lsn", point.baseline_lsn.ToString()},
          {"baseline_time_us", point.baseline_time_us}};
}

history::ResolvedPoint PointFrom(const nlohmann::json& record) {
  return {.lsn = Lsn::Parse(record.at("lsn").get<std::string>()).value_or(Lsn()),
          .time_us = record.at("time_us").get<int64_t>(),
          .baseline_lsn = Lsn::Parse(record.at("baseline_lsn").get<std::string>()).value_or(Lsn()),
          .baseline_time_us = record.at("baseline_time_us").get<int64_t>()};
}

nlohmann::json JsonOf(const WarmFile& file) {
  if (file.is_directory) return nlohmann::json::array({file.name});
  return nlohmann::json::array({file.name, file.bytes, file.modified_ns, file.sum});
}

WarmFile FileFrom(const nlohmann::json& record) {
  if (record.size() == 1) return {.name = record.at(0).get<std::string>(), .is_directory = true};
  return {.name = record.at(0).get<std::string>(),
          .bytes = record.at(1).get<uint64_t>(),
          .modified_ns = record.at(2).get<int64_t>(),
          .sum = record.at(3).get<std::string>()};
}

int64_t ModifiedNs(const struct stat& status) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  return status.st_mtim.tv_sec * kNsPerSecond + status.st_mtim.tv_nsec;
}

}  // namespace

fs::path WarmManifestPath(const fs::path& directory) { return directory / "manifest.json"; }

void WriteWarmManifest(const fs::path& directory, const WarmManifest& manifest) {
  nlohmann::json files = nlohmann::json::array();
  for (const WarmFile& file : manifest.files) files.push_back(JsonOf(file));
  WriteCheckedNote(WarmManifestPath(directory), {{"version", kVersion},
                                                 {"kind", manifest.state.kind},
                                                 {"purpose", manifest.purpose},
                                                 {"empty_purpose", manifest.empty_purpose},
                                                 {"group", manifest.group},
                                                 {"source", manifest.source},
                                                 {"point", JsonOf(manifest.state.point)},
                                                 {"seed", manifest.state.seed},
                                                 {"saved_as", manifest.state.saved_as},
                                                 {"subset", manifest.state.subset},
                                                 {"pinned", manifest.state.pinned},
                                                 {"facts", JsonOf(manifest.state.facts)},
                                                 {"sql_bytes", manifest.state.sql_bytes},
                                                 {"carries", manifest.state.carries},
                                                 {"carried_bytes", manifest.state.carried_bytes},
                                                 {"server", manifest.server},
                                                 {"bytes", manifest.bytes},
                                                 {"made_time_us", manifest.made_time_us},
                                                 {"boot", manifest.boot},
                                                 {"files", files}});
}

std::optional<WarmManifest> ReadWarmManifest(const fs::path& directory) {
  const std::optional<nlohmann::json> note = ReadCheckedNote(WarmManifestPath(directory));
  if (!note) return std::nullopt;
  try {
    if (note->at("version") != kVersion) return std::nullopt;
    WarmManifest manifest{.purpose = note->at("purpose").get<std::string>(),
                          .empty_purpose = note->at("empty_purpose").get<std::string>(),
                          .group = note->at("group").get<std::string>(),
                          .source = note->at("source").get<std::string>(),
                          .state = {.kind = note->at("kind").get<WarmKind>(),
                                    .point = PointFrom(note->at("point")),
                                    .seed = note->at("seed").get<std::string>(),
                                    .saved_as = note->at("saved_as").get<std::string>(),
                                    .subset = note->value("subset", ""),  // Older programs knew none.
                                    .pinned = note->at("pinned").get<std::set<std::string>>(),
                                    .facts = FactsFrom(note->at("facts")),
                                    .sql_bytes = note->at("sql_bytes").get<uint64_t>(),
                                    .carries = note->at("carries").get<uint64_t>(),
                                    .carried_bytes = note->at("carried_bytes").get<uint64_t>()},
                          .server = note->at("server").get<std::string>(),
                          .bytes = note->at("bytes").get<uint64_t>(),
                          .made_time_us = note->at("made_time_us").get<int64_t>(),
                          .boot = note->at("boot").get<std::string>()};
    for (const nlohmann::json& file : note->at("files")) manifest.files.push_back(FileFrom(file));
    return manifest;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::string DifferenceInFiles(const fs::path& cluster, const WarmManifest& manifest) {
  for (const WarmFile& file : manifest.files) {
    struct stat status {};
    if (lstat((cluster / file.name).c_str(), &status) != 0) return fmt::format("{} is missing", file.name);
    const bool is_same = file.is_directory
                             ? S_ISDIR(status.st_mode)
                             : S_ISREG(status.st_mode) && static_cast<uint64_t>(status.st_size) == file.bytes &&
                                   ModifiedNs(status) == file.modified_ns;
    if (!is_same) return fmt::format("{} is not what was written", file.name);
  }
  size_t there = 0;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(cluster, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    ++there;
  }
  if (error) return error.message();
  return there == manifest.files.size() ? "" : "there are files that were not written with it";
}

std::string DifferenceInBytes(const fs::path& cluster, const WarmManifest& manifest, const Interrupt& interrupt) {
  for (const WarmFile& file : manifest.files) {
    if (file.is_directory) continue;
    if (ChecksumText(ChecksumOf(cluster / file.name, [&] { interrupt.Check(); })) != file.sum) {
      return fmt::format("the bytes of {} have changed", file.name);
    }
  }
  return "";
}

}  // namespace rotv::launch
