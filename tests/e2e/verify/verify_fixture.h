// Base of the tests of `verify`: running it, and damaging a store on purpose.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "storage/epochs.h"
#include "storage/row_key.h"
#include "storage/row_store.h"
#include "storage/workspace.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {

using nlohmann::json;

class VerifyTest : public FollowTest {
 protected:
  using FollowTest::FollowTest;

  // Returns the output of `verify --json`; the test fails unless it ends with `status`.
  json Verify(int status, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"--json", "verify"});
    const Command command = rotv.SyncCommand(arguments);
    const Result result = RunCommand(command);
    EXPECT_EQ(result.exit_status, status) << Describe(command, result);
    return result.out.empty() ? json() : json::parse(result.out);
  }
  void ExpectEqual(std::vector<std::string> arguments = {}) {
    json report = Verify(0, std::move(arguments));
    EXPECT_EQ(report["equal"], true) << report.dump(2);
    EXPECT_EQ(report["differing"], 0);
  }
  // Checks that damage is found, repaired, and then gone.
  void RepairIsCorrect() {
    json repaired = Verify(0, {"--repair"});
    EXPECT_EQ(repaired["equal"], true) << repaired.dump(2);
    ExpectEqual();
    rotv.ExpectSeedIsDump({.import = Import::kNone});
  }

  static json TableOf(const json& report, const std::string& name) {
    for (const json& table : report["tables"]) {
      if (table["name"] == name) return table;
    }
    ADD_FAILURE() << "no table " << name << " in " << report.dump(2);
    return {};
  }

  // The store, opened to damage it just before the head.
  class Damage {
   public:
    Damage(const RotvHome& rotv, const std::string& quoted_name) {
      const std::string directory = ReadCurrent(rotv.home(), "production").value().directory();
      store_ = RowStore::Open(rotv.home() / "sources" / "production" / directory, RowStore::Mode::kReadWrite);
      head_ = Lsn(store_->manifest().head_lsn());
      proto::SchemaVersion schema = store_->SchemaAt(head_);
      for (const proto::Table& table : schema.tables()) {
        if (table.quoted_name() == quoted_name) table_ = table;
      }
      epoch_ = EpochsAt(store_->manifest(), head_).at(table_.id());
    }

    void Write(const std::string& row_key, const std::string& line) {
      Put(row_key, {.shape = table_.shape(), .text = line});
    }
    void Remove(const std::string& row_key) { Put(row_key, {.kind = RowVersion::Kind::kTombstone, .text = {}}); }
    void Put(const std::string& row_key, const RowVersion& version) {
      VersionBuffer buffer(VersionBuffer::Index::kNewest);
      buffer.Put({.table = table_.id(), .epoch = epoch_, .row_key = row_key, .commit_lsn = Lsn(head_.value() - 1)},
                 version);
      store_->Write(buffer);
    }

    // Returns keys of the rows whose lines match.
    std::vector<std::string> KeysOf(const std::function<bool(std::string_view)>& matches) {
      std::vector<std::string> keys;
      std::unique_ptr<RowScan> scan = store_->ScanAt({.table = table_.id(), .epoch = epoch_, .lsn = head_});
      while (scan->Next()) {
        if (matches(scan->line())) keys.emplace_back(scan->row_key());
      }
      return keys;
    }

    uint32_t shape() const { return table_.shape(); }

   private:
    std::unique_ptr<RowStore> store_;
    Lsn head_;
    proto::Table table_;
    EpochNumber epoch_ = 0;
  };

  static std::string IntegerKeyOf(int64_t value) {
    std::string key;
    AppendIntegerKey(std::to_string(value), &key);
    return key;
  }
  static std::string TextKeyOf(const std::string& value) {
    std::string key;
    AppendTextKey(value, &key);
    return key;
  }
};

}  // namespace rotv::testing
