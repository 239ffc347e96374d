#include "tests/support/files/power_loss.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "tests/support/files/subprocess.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using odd_disk::Action;

constexpr size_t kSector = 512;  // A disk writes a sector as a whole.

uint64_t InodeOf(const fs::path& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) throw std::runtime_error("no inode: " + path.string());
  return status.st_ino;
}

void Put(std::string* content, uint64_t offset, std::string_view data) {
  if (content->size() < offset + data.size()) content->resize(offset + data.size());
  content->replace(offset, data.size(), data);
}

}  // namespace

PowerLoss::PowerLoss(const fs::path& directory) : files_(1) {
  top_ = New(InodeOf(directory), true);
  Scan(directory, top_);
}

PowerLoss::Id PowerLoss::New(uint64_t inode, bool is_directory) {
  files_.push_back({.is_directory = is_directory, .durable = {}, .since = {}, .names = {}});
  return of_inode_[inode] = files_.size() - 1;
}

PowerLoss::Id PowerLoss::Known(uint64_t inode) const {
  const auto found = of_inode_.find(inode);
  if (found == of_inode_.end()) throw std::runtime_error("a file of unknown origin, inode " + std::to_string(inode));
  return found->second;
}

void PowerLoss::Scan(const fs::path& directory, Id id) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (!entry.is_directory() && !entry.is_regular_file()) continue;  // A socket.
    const uint64_t inode = InodeOf(entry.path());
    const bool known = of_inode_.count(inode) > 0;  // A second name.
    const Id child = known ? Known(inode) : New(inode, entry.is_directory());
    files_[id].names[entry.path().filename()] = child;
    if (entry.is_directory()) {
      Scan(entry.path(), child);
    } else {
      files_[child].durable = ReadFile(entry.path());
    }
  }
}

void PowerLoss::Add(const fs::path& record) {
  if (!fs::exists(record)) return;  // The program was killed before its first call.
  const std::string bytes = ReadFile(record);
  size_t at = 0;
  while (at < bytes.size()) {
    odd_disk::Entry entry;
    std::memcpy(&entry, bytes.data() + at, sizeof entry);
    at += sizeof entry;
    const std::string name = bytes.substr(at, entry.name_bytes);
    at += entry.name_bytes;
    Replay(entry, name, bytes.substr(at, entry.data_bytes));
    at += entry.data_bytes;
  }
}

void PowerLoss::Replay(const odd_disk::Entry& entry, const std::string& name, std::string data) {
  switch (entry.action) {
    case Action::kCreateFile:
    case Action::kCreateDirectory: {
      const Id directory = Known(entry.directory);
      namings_.push_back({{directory, name, New(entry.inode, entry.action == Action::kCreateDirectory)}});
      return;
    }
    case Action::kWrite:
    case Action::kResize:
      files_[Known(entry.inode)].since.push_back(
          {.offset = entry.offset, .data = std::move(data), .is_resize = entry.action == Action::kResize});
      return;
    case Action::kSyncFile: {
      File& file = files_[Known(entry.inode)];
      std::mt19937 none;
      file.durable = DataLeft(file, Way::kAll, none);
      file.since.clear();
      return;
    }
    case Action::kSyncDirectory:
      return SyncNames(Known(entry.inode));
    case Action::kUnname:
    case Action::kRenameFrom:
      namings_.push_back({{Known(entry.directory), name, 0}});
      return;
    case Action::kRenameTo:
      namings_.back().push_back({Known(entry.directory), name, Known(entry.inode)});
      return;
    case Action::kLink:
      namings_.push_back({{Known(entry.directory), name, Known(entry.inode)}});
      return;
  }
}

void PowerLoss::SyncNames(Id directory) {
  const auto concerns = [&](const std::vector<Naming>& together) {
    return std::any_of(together.begin(), together.end(), [&](const Naming& n) { return n.directory == directory; });
  };
  for (const std::vector<Naming>& together : namings_) {
    if (!concerns(together)) continue;
    for (const Naming& naming : together) files_[naming.directory].names[naming.name] = naming.id;
  }
  std::erase_if(namings_, concerns);
}

PowerLoss::Names PowerLoss::NamesLeft(Way way, std::mt19937& random) const {
  Names names;
  for (Id id = 1; id < files_.size(); ++id) {
    if (files_[id].is_directory) names[id] = files_[id].names;
  }
  const size_t up_to = random() % (namings_.size() + 1);
  for (size_t i = 0; i < namings_.size(); ++i) {
    const bool there = way == Way::kNames || way == Way::kAll || (way == Way::kNamesUpToOne && i < up_to) ||
                       (way == Way::kAny && random() % 2 == 0);
    if (!there) continue;
    for (const Naming& naming : namings_[i]) names[naming.directory][naming.name] = naming.id;
  }
  return names;
}

std::string PowerLoss::DataLeft(const File& file, Way way, std::mt19937& random) {
  std::string content = file.durable;
  const bool by_chance = way == Way::kNamesUpToOne || way == Way::kAny;
  size_t longest = content.size();
  bool is_cut = false;  // Nothing that was appended later is there.
  for (const Change& change : file.since) {
    longest = std::max(longest, change.offset + change.data.size());
    if (way == Way::kNothing || way == Way::kNames) continue;
    const bool appends = !change.is_resize && change.offset >= file.durable.size();
    const auto fate = by_chance ? random() % 3 : 2;
    if (fate == 0 || (appends && is_cut)) {
      is_cut = is_cut || appends;
    } else if (change.is_resize) {
      content.resize(change.offset);
    } else if (fate == 1 && !change.data.empty()) {
      // Only what is before some place: between two sectors where there was something before, anywhere where not.
      uint64_t end = change.offset + random() % change.data.size();
      if (!appends) end = std::max(change.offset, end / kSector * kSector);
      Put(&content, change.offset, std::string_view(change.data).substr(0, end - change.offset));
      is_cut = is_cut || appends;
    } else {
      Put(&content, change.offset, change.data);
    }
  }
  // A file system may know of the new size before any of the data is there.
  const bool may_be_zeros = way == Way::kNames || (by_chance && content.size() <= file.durable.size());
  if (may_be_zeros && random() % 2 == 0) content.resize(std::max(content.size(), longest));
  return content;
}

void PowerLoss::Leave(const fs::path& directory, Way way, unsigned seed) const {
  std::mt19937 random(seed);
  const Names names = NamesLeft(way, random);
  fs::remove_all(directory);
  const auto make = [&](const auto& again, const fs::path& path, Id id) -> void {
    if (!files_[id].is_directory) return WriteFile(path, DataLeft(files_[id], way, random), 0600);
    fs::create_directory(path);
    fs::permissions(path, fs::perms::owner_all);
    for (const auto& [name, child] : names.at(id)) {
      if (child != 0) again(again, path / name, child);
    }
  };
  make(make, directory, top_);
}

}  // namespace rotv::testing
