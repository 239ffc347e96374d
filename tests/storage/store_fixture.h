// Helpers for the tests of the store: they make versions, read rows, and run part of a test in a process of its own.

#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/change_log.h"
#include "storage/error.h"
#include "storage/row_key.h"
#include "storage/row_store.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/files/thrown.h"

namespace rotv::testing {

inline std::string IntegerKey(int64_t value) {
  std::string key;
  AppendIntegerKey(std::to_string(value), &key);
  return key;
}

inline std::string TextKey(std::string_view text) {
  std::string key;
  AppendTextKey(text, &key);
  return key;
}

// One version of the row whose key is the number `id`.
struct Put {
  int64_t id = 0;
  uint64_t lsn = 0;
  std::string text;
  RowVersion::Kind kind = RowVersion::Kind::kRow;
  uint32_t count = 1;
  TableId table = 1;
  EpochNumber epoch = 0;
};

inline Put Tombstone(int64_t id, uint64_t lsn) { return {.id = id, .lsn = lsn, .kind = RowVersion::Kind::kTombstone}; }
inline Put Partial(int64_t id, uint64_t lsn, const std::string& text) {
  return {.id = id, .lsn = lsn, .text = text, .kind = RowVersion::Kind::kPartial};
}

inline void Add(VersionBuffer& buffer, const Put& put) {
  buffer.Put({.table = put.table, .epoch = put.epoch, .row_key = IntegerKey(put.id), .commit_lsn = Lsn(put.lsn)},
             {.kind = put.kind, .shape = 1, .count = put.count, .text = put.text});
}

inline void Write(RowStore& store, const std::vector<Put>& puts) {
  VersionBuffer buffer(VersionBuffer::Index::kNewest);
  for (const Put& put : puts) Add(buffer, put);
  store.Write(buffer);
}

// A manifest with the least that makes everything before `durable` published.
inline proto::Manifest ManifestAt(uint64_t durable) {
  proto::Manifest manifest;
  manifest.set_format_version(kFormatVersion);
  manifest.set_durable_lsn(durable);
  manifest.set_head_lsn(durable);
  manifest.mutable_source()->set_encoding("UTF8");
  return manifest;
}
inline StoreState StateAt(uint64_t durable) { return StoreState::FromStored(ManifestAt(durable)); }

inline std::vector<std::string> Lines(const RowStore& store, uint64_t lsn, const KeyRange& range = {},
                                      TableId table = 1, EpochNumber epoch = 0) {
  std::vector<std::string> lines;
  std::unique_ptr<RowScan> scan = store.ScanAt({.table = table, .epoch = epoch, .lsn = Lsn(lsn), .range = range});
  while (scan->Next()) lines.emplace_back(scan->line());
  return lines;
}

// A new store in a directory of its own.
class StoreFixture {
 public:
  StoreFixture() : store_(RowStore::Open(path(), RowStore::Mode::kCreate)) {}

  std::filesystem::path path() const { return directory_ / "store"; }
  RowStore& operator*() { return *store_; }
  RowStore* operator->() { return store_.get(); }

  void Close() { store_.reset(); }
  void Reopen(RowStore::Mode mode = RowStore::Mode::kReadWrite) {
    store_.reset();
    store_ = RowStore::Open(path(), mode);
  }
  // `store_`, written and published up to `durable`.
  void WriteAndPublish(const std::vector<Put>& puts, uint64_t durable) {
    Write(*store_, puts);
    store_->Publish(StateAt(durable), {});
  }

 private:
  TempDir directory_;
  std::unique_ptr<RowStore> store_;
};

inline std::vector<std::pair<std::string, std::string>> LogOf(uint64_t lsn) {
  ChangeLogBuilder builder;
  builder.Begin(Lsn(lsn), 1, 1);
  builder.Add(1, 0, ChangeLogBuilder::Change::kInsert, "k");
  builder.Commit();
  return builder.Take(ChangeLogBuilder::Which::kAll);
}

// Text that does not compress.
inline std::string Noise(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string noise(size, '\0');
  for (char& byte : noise) byte = static_cast<char>('!' + random() % 90);
  return noise;
}

inline std::vector<Put> ManyRows(int64_t from, int64_t to, uint64_t lsn, size_t size) {
  std::vector<Put> puts;
  for (int64_t id = from; id < to; ++id) {
    puts.push_back({.id = id, .lsn = lsn, .text = Noise(size, static_cast<unsigned>(id))});
  }
  return puts;
}

inline void Begin(RowStore& store) {
  proto::Manifest manifest = store.manifest();
  manifest.set_pull_in_progress(true);
  store.Publish(StoreState::FromStored(manifest), {});
}
inline StoreFixture& WithOneRow(StoreFixture& store) {
  store.WriteAndPublish({{.id = 1, .lsn = 10, .text = "old"}}, 100);
  return store;
}

// A part of a test that runs in a process of its own, because it is killed, limited, or must be another process.
// RocksDB's threads do not survive a fork, so this program is started again.
using Role = std::function<void(const std::filesystem::path&)>;

class ChildEnvironment : public ::testing::Environment {
 public:
  // Several files of one test program may each have theirs; their names differ.
  explicit ChildEnvironment(std::map<std::string, Role> roles) { AllRoles().merge(std::move(roles)); }
  void SetUp() override {
    const char* role = std::getenv("ROTV_TEST_ROLE");
    if (role == nullptr) return;
    int status = 0;
    try {
      AllRoles().at(role)(std::getenv("ROTV_TEST_PATH"));
    } catch (const Error& error) {
      std::cerr << error.what() << std::endl;
      status = static_cast<int>(error.code());
    }
    _exit(status);
  }

 private:
  static std::map<std::string, Role>& AllRoles() {
    static std::map<std::string, Role> all;
    return all;
  }
};

// The command that runs a role. It exits with 0, with the code of the role's Error, or by the signal with which the
// role kills itself.
inline Command RoleCommand(const std::string& role, const std::filesystem::path& path) {
  return {.argv = {std::filesystem::read_symlink("/proc/self/exe").string()},
          .env = {{"ROTV_TEST_ROLE", role}, {"ROTV_TEST_PATH", path.string()}, {"GTEST_OUTPUT", ""}}};
}
inline Result RunRole(const std::string& role, const std::filesystem::path& path) {
  return RunCommand(RoleCommand(role, path));
}

}  // namespace rotv::testing
