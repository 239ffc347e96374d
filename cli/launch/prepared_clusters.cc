#include "cli/launch/prepared_clusters.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/launch/checked_note.h"
#include "os/file_fingerprint.h"
#include "storage/atomic_file.h"
#include "storage/file_checksum.h"
#include "storage/handle.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEmpty = "empty";
constexpr const char* kSeeded = "seeded";
constexpr std::array<const char*, 2> kNames = {kEmpty, kSeeded};

fs::path File(const fs::path& directory, const std::string& name, const char* ending) {
  return directory / (name + ending);
}

std::string VariableOf(std::string_view name) {
  return name == kEmpty ? "ROTV_PREPARED_EMPTY" : "ROTV_PREPARED_SEEDED";
}

// Returns the server for which the kept cluster was made, if it was made for `key` and is complete.
std::optional<std::string> PlaceOf(const fs::path& directory, const std::string& name, const std::string& key) {
  const std::optional<nlohmann::json> note = ReadCheckedNote(File(directory, name, ".json"));
  if (!note) return std::nullopt;
  const fs::path tar = File(directory, name, ".tar");
  try {
    if (note->at("key") != key) return std::nullopt;
    if (note->at("file").get<std::string>() != os::FileFingerprint(tar)) return std::nullopt;
    // Damage of its bytes would end up in the database without a word.
    if (note->contains("sum") && note->at("sum") != ChecksumText(ChecksumOf(tar))) return std::nullopt;
    return note->at("place").get<std::string>();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

// The values may be secrets, and a note is read by people.
std::string ChecksumOfVariables(const os::Environment& variables) {
  FileChecksum checksum;
  for (const auto& [name, value] : variables) checksum.Add(name + '\0' + value + '\0');
  return ChecksumText(checksum.value());
}

// Creates an empty file, which needs no sync: it has no content yet.
void MakeFile(const fs::path& path) { WriteNewFile(path, ""); }

// Moves NAME.new to NAME.tar. The note NAME.json is written last and removed first, so that whatever a note describes
// is complete on disk.
void Publish(const fs::path& directory, const std::string& name, const std::string& key, const std::string& place) {
  fs::path made = File(directory, name, ".new");
  fs::path kept = File(directory, name, ".tar");
  std::error_code problem;
  fs::remove(File(directory, name, ".json"), problem);
  {
    FileDescriptor file(open(made.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file || fsync(file.get()) != 0) return;
  }
  fs::rename(made, kept, problem);
  if (problem) return;
  // It has just been written, so that reading it costs no disk.
  WriteCheckedNote(File(directory, name, ".json"), {{"key", key},
                                                    {"place", place},
                                                    {"file", os::FileFingerprint(kept).value_or("")},
                                                    {"sum", ChecksumText(ChecksumOf(kept))}});
}

}  // namespace

PreparedClusters::PreparedClusters(const fs::path& place) : directory_(place / "prepared") {}

PreparedClusters::~PreparedClusters() {
  for (std::future<void>& one : syncing_) one.wait();  // Exceptions are dropped here.
  std::error_code ignored;
  for (const char* name : kNames) fs::remove(File(directory_, name, ".new"), ignored);
}

std::string PreparedClusters::KeyOf(const std::string& name) const {
  return name == kSeeded ? database_key_ + " " + seed_key_ : database_key_;
}

bool PreparedClusters::Offer(const Purpose& purpose, uint64_t bytes) {
  seed_key_ = os::FileFingerprint(purpose.seed).value_or("");
  database_key_ = purpose.database;
  if (!purpose.twin.empty()) database_key_ += " " + ChecksumOfVariables(purpose.twin);
  fs::create_directories(directory_);
  fs::permissions(directory_, fs::perms::owner_all);  // It holds production data.
  for (const char* name : kNames) {
    if (std::optional<std::string> place = PlaceOf(directory_, name, KeyOf(name))) {
      usable_[VariableOf(name)] = *place;
    } else {
      fs::remove(File(directory_, name, ".json"));
      fs::remove(File(directory_, name, ".tar"));
    }
  }
  if (!usable_.contains(VariableOf(kSeeded)) && fs::space(directory_).available < 2 * bytes) return false;
  for (const char* name : kNames) MakeFile(File(directory_, name, ".new"));
  return true;
}

void PreparedClusters::Keep(const std::map<std::string, std::string>& written) {
  for (const auto& [name, place] : written) {
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) continue;
    syncing_.push_back(std::async(std::launch::async, Publish, directory_, name, KeyOf(name), place));
  }
}

std::vector<DamagedFile> PreparedClusters::FindDamaged(const fs::path& place, const Interrupt& interrupt) {
  std::vector<DamagedFile> damaged;
  for (const char* name : kNames) {
    const fs::path note_path = File(place / "prepared", name, ".json"), tar = File(place / "prepared", name, ".tar");
    if (!fs::exists(note_path) || !fs::exists(tar)) continue;
    const std::optional<nlohmann::json> note = ReadCheckedNote(note_path);
    if (!note) {
      damaged.push_back({note_path, "it is not what was written"});
    } else if (note->contains("sum") && note->at("sum") != ChecksumText(ChecksumOf(tar, [&] { interrupt.Check(); }))) {
      damaged.push_back({tar, "its bytes have changed"});
    }
  }
  return damaged;
}

void PreparedClusters::Remove(const fs::path& place) { fs::remove_all(place / "prepared"); }

}  // namespace rotv::launch
