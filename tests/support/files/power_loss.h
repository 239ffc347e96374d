// What a power loss may leave of the files that a program has written. The model knows of each file what was synced,
// and what was written since; of each directory the names that were synced, and those that were given or taken since.
// What was not synced may be there or not: whole, torn, as zeros, or in another order. What was appended to one file is
// there up to some byte, as file systems have it that write data before a file's size.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/preload/disk_record.h"

namespace rotv::testing {

class PowerLoss {
 public:
  // Takes all that is in `directory` now for durable.
  explicit PowerLoss(const std::filesystem::path& directory);

  // Adds what a program has done since (OddDisk::RecordedUntil). Throws std::runtime_error if the record speaks of
  // files that are not known.
  void Add(const std::filesystem::path& record);

  // What of the names and of the data that were not synced is there afterwards.
  enum class Way {
    kNothing,       // A disk that is as strict as it may be.
    kNames,         // All names, but no data: files are as long as when they were synced, or end in zeros.
    kData,          // All data, but no names.
    kNamesUpToOne,  // Names in their order up to some moment, as a journal has them; any data.
    kAny,           // Any of both.
    kAll,           // The program was killed, and no more.
  };
  static constexpr int kWays = 6;
  // Makes `directory` what is left of it; `seed` decides what is by chance.
  void Leave(const std::filesystem::path& directory, Way way, unsigned seed) const;

 private:
  using Id = size_t;  // Names a file or directory for ever; an inode's number is used again.
  struct Change {
    uint64_t offset = 0;
    std::string data;
    bool is_resize = false;
  };
  struct File {
    bool is_directory = false;
    std::string durable;
    std::vector<Change> since;
    std::map<std::string, Id> names;  // The durable ones of a directory.
  };
  struct Naming {
    Id directory = 0;
    std::string name;
    Id id = 0;  // 0: the name is gone.
  };
  using Names = std::map<Id, std::map<std::string, Id>>;

  Id New(uint64_t inode, bool is_directory);
  Id Known(uint64_t inode) const;
  void Scan(const std::filesystem::path& directory, Id id);
  void Replay(const odd_disk::Entry& entry, const std::string& name, std::string data);
  void SyncNames(Id directory);
  Names NamesLeft(Way way, std::mt19937& random) const;
  static std::string DataLeft(const File& file, Way way, std::mt19937& random);

  std::vector<File> files_;                   // By Id; 0 is nothing.
  std::map<uint64_t, Id> of_inode_;           // Of those that are there now.
  std::vector<std::vector<Naming>> namings_;  // Not synced, in order; those of one entry happen together.
  Id top_ = 0;
};

}  // namespace rotv::testing
