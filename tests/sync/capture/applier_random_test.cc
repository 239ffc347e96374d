#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>

#include "sync/capture/applier.h"
#include "tests/sync/capture/applier_fixture.h"

namespace rotv {
namespace {

using testing::kNullValue;
using testing::kToast;

// Random transactions, with the buffer taken at random, are compared with the simplest model.
TEST_F(ApplierTest, EveryStateOfRandomTransactionsMatchesTheModel) {
  std::mt19937 random(9);
  std::map<int, std::pair<std::string, std::string>> rows;
  std::map<std::string, int> multiset;
  std::map<uint64_t, Strings> states, multiset_states;
  auto text = [&] { return std::to_string(random() % 1000); };
  for (uint64_t lsn = 110; lsn < 110 + 400 * 10; lsn += 10) {
    Begin(lsn);
    for (auto changes = random() % 6; changes > 0; --changes) {
      int id = static_cast<int>(random() % 12);
      std::string key = std::to_string(id);
      auto row = rows.find(id);
      auto action = random() % 8;
      if (row == rows.end()) {
        rows[id] = {text(), text()};
        Insert(kKeyed, {key, rows[id].first, rows[id].second});
      } else if (action == 0) {
        Delete(id);
        rows.erase(row);
      } else if (action <= 2) {
        row->second.first = text();
        Update(kKeyed, {key, row->second.first, kToast});
      } else if (action <= 4) {
        row->second.second = text();
        Update(kKeyed, {key, kToast, row->second.second});
      } else if (action == 5) {
        Update(kKeyed, {key, kToast, kToast});
      } else if (int other = static_cast<int>(random() % 12); rows.count(other) == 0) {
        rows[other] = {row->second.first, action == 6 ? row->second.second : text()};
        Update(kKeyed, OldKind::kKey, {key, kNullValue, kNullValue},
               {std::to_string(other), kToast, action == 6 ? kToast : rows[other].second});
        rows.erase(id);
      }
      std::string value = std::to_string(random() % 4);
      if (multiset[value] > 0 && random() % 2 == 0) {
        --multiset[value];
        Delete(kMultiset, OldKind::kFull, {value, "b"});
      } else {
        ++multiset[value];
        Insert(kMultiset, {value, "b"});
      }
      if (random() % 40 == 0) {
        Truncate({kKeyed});
        rows.clear();
      }
      if (random() % 10 == 0) Spill();
      if (random() % 20 == 0) SpillToDisk();
    }
    Commit(lsn);
    for (const auto& [id, columns] : rows) {
      states[lsn + 1].push_back(std::to_string(id) + "\t" + columns.first + "\t" + columns.second);
    }
    states[lsn + 1];
    for (const auto& [value, count] : multiset) {
      for (int i = 0; i < count; ++i) multiset_states[lsn + 1].push_back(value + "\tb");
    }
    if (random() % 5 == 0) Publish();
    if (random() % 50 == 0) {
      Publish();
      writer_->Drain();
      store_->Compact();
    }
  }
  Publish();
  writer_->Drain();
  for (const auto& [lsn, state] : states) {
    Strings found = testing::Lines(*store_, lsn, {}, kKeyed, EpochsAt(store_->manifest(), Lsn(lsn)).at(kKeyed));
    std::sort(found.begin(), found.end(),
              [](const std::string& a, const std::string& b) { return std::stoi(a) < std::stoi(b); });
    ASSERT_EQ(found, state) << lsn;
    Strings in_multiset = testing::Lines(*store_, lsn, {}, kMultiset, 0);
    std::sort(in_multiset.begin(), in_multiset.end());
    ASSERT_EQ(in_multiset, multiset_states[lsn]) << lsn;
  }
}

}  // namespace
}  // namespace rotv
