#include "storage/retention.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace rotv {
namespace {

using RetentionKind = RowVersion::Kind;
using Needed = Retention::Needed;

struct Version {
  uint64_t lsn;
  RetentionKind kind = RetentionKind::kRow;
};

std::set<uint64_t> Dropped(const Retention& retention, const std::vector<Version>& newest_first) {
  std::set<uint64_t> dropped;
  RowSieve sieve(retention, [&](Lsn lsn) { dropped.insert(lsn.value()); });
  for (const Version& version : newest_first) sieve.Add(Lsn(version.lsn), version.kind);
  sieve.EndRow();
  return dropped;
}

using Set = std::set<uint64_t>;

TEST(RetentionTest, AStateAtAnLsnSeesEarlierCommits) {
  Retention retention({Lsn(20), Lsn(40)}, Lsn(100));
  size_t point = 99;
  EXPECT_EQ(retention.NeededIn(Lsn(20), Lsn(30), &point), Needed::kByNone);
  EXPECT_EQ(retention.NeededIn(Lsn(19), Lsn(20), &point), Needed::kByOne);
  EXPECT_EQ(point, 0U);
  EXPECT_EQ(retention.NeededIn(Lsn(30), Lsn(60), &point), Needed::kByOne);
  EXPECT_EQ(point, 1U);
  EXPECT_EQ(retention.NeededIn(Lsn(10), Lsn(60), &point), Needed::kBySeveral);
  EXPECT_EQ(retention.NeededIn(Lsn(50), Lsn(99), &point), Needed::kByNone);
  EXPECT_EQ(retention.NeededIn(Lsn(50), Lsn(100), &point), Needed::kBySeveral);
  EXPECT_EQ(retention.NeededIn(Lsn(120), Lsn(130), &point), Needed::kBySeveral);
}

TEST(RetentionTest, VersionsThatNoStateSeesAreDropped) {
  Retention retention({Lsn(20)}, Lsn(100));
  EXPECT_EQ(Dropped(retention, {{90}, {30}, {19}, {10}}), (Set{30, 10}));
  EXPECT_EQ(Dropped(retention, {{110}, {100}, {99}, {30}}), (Set{30}));
  EXPECT_EQ(Dropped(retention, {{5}}), Set{});
}

TEST(RetentionTest, APartialVersionKeepsTheVersionsThatCompleteIt) {
  Retention retention({}, Lsn(100));
  EXPECT_EQ(Dropped(retention, {{90, RetentionKind::kPartial}, {80}, {70}}), (Set{70}));
  EXPECT_EQ(Dropped(retention, {{90, RetentionKind::kPartial}, {80, RetentionKind::kPartial}, {70}, {60}}), (Set{60}));
  EXPECT_EQ(Dropped(retention, {{90}, {80, RetentionKind::kPartial}, {70}}), (Set{80, 70}));
}

TEST(RetentionTest, ATombstoneStaysWhileItHidesAVersion) {
  Retention head({}, Lsn(100));
  EXPECT_EQ(Dropped(head, {{90, RetentionKind::kTombstone}, {80}}), (Set{90, 80}));
  Retention point({Lsn(85)}, Lsn(100));
  EXPECT_EQ(Dropped(point, {{90, RetentionKind::kTombstone}, {80}}), Set{});
  EXPECT_EQ(Dropped(point, {{95}, {90, RetentionKind::kTombstone}, {80}}), (Set{90}));
  // Within the retention time every version counts.
  EXPECT_EQ(Dropped(Retention({}, Lsn(85)), {{95}, {90, RetentionKind::kTombstone}, {80}, {70}}), (Set{70}));
}

TEST(RetentionTest, BytesThatOnlyOnePointNeedsAreSummed) {
  Retention retention({Lsn(20), Lsn(40), Lsn(100)}, Lsn(100));
  SoleNeeds needs(retention);
  auto row = [&](const std::vector<Version>& newest_first) {
    needs.EndRow();
    for (const Version& version : newest_first) needs.Add(Lsn(version.lsn), version.kind, version.lsn);
  };
  row({{90}, {39}, {19}, {15}});                          // 39 for the second, 19 for the first.
  row({{90}, {10}});                                      // 10 for both.
  row({{90}, {38, RetentionKind::kPartial}, {25}});       // Both for the second.
  row({{90, RetentionKind::kPartial}, {30}, {12}});       // 30 for all points after it, too.
  row({{90}, {35, RetentionKind::kPartial}, {11}, {5}});  // 11 for both.
  row({{91, RetentionKind::kTombstone}, {37}, {18, RetentionKind::kTombstone}, {6}});
  EXPECT_EQ(needs.bytes(), (std::vector<uint64_t>{19 + 12, 39 + 38 + 25 + 35 + 37, 0}));
  EXPECT_EQ(needs.total(),
            90U + 39 + 19 + 15 + 90 + 10 + 90 + 38 + 25 + 90 + 30 + 12 + 90 + 35 + 11 + 5 + 91 + 37 + 18 + 6);
}

// Random histories: what each kept state sees is the same afterwards, and no further version could be dropped.
TEST(RetentionTest, EveryKeptStateIsUnchanged) {
  std::mt19937 random(11);
  auto below = [&](unsigned limit) { return random() % limit; };
  for (int round = 0; round < 2000; ++round) {
    std::vector<Version> versions;  // Oldest first.
    bool there = false;
    for (uint64_t lsn = 1 + below(5); lsn < 60; lsn += 1 + below(12)) {
      RetentionKind kind = !there          ? RetentionKind::kRow
                           : below(3) == 0 ? RetentionKind::kTombstone
                           : below(2) == 0 ? RetentionKind::kPartial
                                           : RetentionKind::kRow;
      versions.push_back({lsn, kind});
      there = kind != RetentionKind::kTombstone;
    }
    std::vector<Version> newest_first(versions.rbegin(), versions.rend());
    std::vector<Lsn> points;
    for (uint64_t i = below(4); i > 0; --i) points.emplace_back(1 + below(60));
    const uint64_t keep_from = 30 + below(31);
    Retention retention(points, Lsn(keep_from));
    const Set dropped = Dropped(retention, newest_first);

    // The versions that make up the state at `lsn`, without those in `gone`; empty if the row does not exist then.
    auto seen = [&](uint64_t lsn, const Set& gone) {
      std::vector<uint64_t> used;
      for (const Version& version : newest_first) {
        if (version.lsn >= lsn || gone.count(version.lsn) > 0) continue;
        if (version.kind == RetentionKind::kTombstone) break;
        used.push_back(version.lsn);
        if (version.kind == RetentionKind::kRow) break;
      }
      return used;
    };
    Set stay;
    for (Lsn point : points) stay.insert(point.value());
    for (uint64_t lsn = keep_from; lsn <= 61; ++lsn) stay.insert(lsn);
    Set used;
    for (uint64_t lsn : stay) {
      ASSERT_EQ(seen(lsn, dropped), seen(lsn, {})) << "round " << round << " at " << lsn;
      for (uint64_t version : seen(lsn, {})) used.insert(version);
    }
    for (const Version& version : versions) {
      if (version.kind != RetentionKind::kTombstone && used.count(version.lsn) == 0) {
        EXPECT_EQ(dropped.count(version.lsn), 1U) << "round " << round << " keeps " << version.lsn;
      }
    }
  }
}

}  // namespace
}  // namespace rotv
