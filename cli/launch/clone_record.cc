#include "cli/launch/clone_record.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <regex>
#include <system_error>
#include <thread>

#include "cli/launch/checked_note.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

}  // namespace

std::filesystem::path CloneRecordPath(const std::filesystem::path& clone) { return clone.native() + ".clone"; }

ClonedFile ClonedFileOf(const struct stat& status) {
  return {.inode = status.st_ino, .changed_ns = status.st_ctim.tv_sec * kNsPerSecond + status.st_ctim.tv_nsec};
}

bool IsOfRelation(const std::string& name) {
  static const std::regex kRelation(R"(base/[0-9]+/[0-9]+(_(fsm|vm|init))?(\.[0-9]+)?)");
  return std::regex_match(name, kRelation);
}

bool IsUnchanged(const struct stat& status, const ClonedFile& file) {
  const ClonedFile now = ClonedFileOf(status);
  return S_ISREG(status.st_mode) && status.st_nlink == 1 && now.inode == file.inode &&
         now.changed_ns == file.changed_ns;
}

int64_t FileTimeNs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

bool AwaitFileTimeAfter(int64_t time_ns) {
  constexpr int kMostSteps = 100;  // A clock that was set back is not waited for.
  for (int step = 0; step < kMostSteps && FileTimeNs() <= time_ns; ++step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return FileTimeNs() > time_ns;
}

void WriteCloneRecord(const std::filesystem::path& clone, const CloneRecord& record) {
  struct statfs system {};
  if (statfs(clone.c_str(), &system) != 0 || system.f_type != TMPFS_MAGIC) {
    std::error_code none;
    std::filesystem::remove(CloneRecordPath(clone), none);
    return;
  }
  nlohmann::json files = nlohmann::json::array();
  for (const auto& [name, file] : record.files) {
    if (IsOfRelation(name)) files.push_back({name, file.inode, file.changed_ns});
  }
  try {
    WriteCheckedNote(CloneRecordPath(clone), {{"cluster", record.cluster.native()}, {"files", files}});
  } catch (const Error&) {
    // The next start copies all of it.
  }
}

std::optional<CloneRecord> ReadCloneRecord(const std::filesystem::path& clone) try {
  const std::optional<nlohmann::json> note = ReadCheckedNote(CloneRecordPath(clone));
  if (!note) return std::nullopt;
  CloneRecord record{.cluster = note->at("cluster").get<std::string>(), .files = {}};
  for (const nlohmann::json& file : note->at("files")) {
    record.files[file.at(0).get<std::string>()] = {.inode = file.at(1).get<uint64_t>(),
                                                   .changed_ns = file.at(2).get<int64_t>()};
  }
  return record;
} catch (const nlohmann::json::exception&) {
  return std::nullopt;
}

}  // namespace rotv::launch
