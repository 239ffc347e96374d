#include "sync/remote/levels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "sync/remote/step_path.h"

namespace rotv::remote {
namespace {

constexpr uint64_t kBytesOfBase = 1'000'000;

// Publishes as a publisher does, without any rows: each publication adds so many bytes.
class Publisher {
 public:
  Publisher() {
    Next();
    WriteBase();
  }

  void Publish(uint64_t bytes) {
    const proto::RemoteMark before = MarkOf(head_);
    Next();
    added_.push_back(bytes);
    AddStep(Step(before), &head_);
    for (const proto::RemoteMark& mark : LongerSteps(head_)) AddStep(Step(mark), &head_);
    if (IsTimeForBase(head_, living_)) WriteBase();
    TakeOutCovered(&head_);
  }

  // Gc leaves only so many versions.
  void Collect(uint64_t versions) { living_ = versions; }

  uint64_t Added(uint64_t from, uint64_t to) const {
    uint64_t bytes = 0;
    for (uint64_t number = from + 1; number <= to; ++number) bytes += added_[number - 2];
    return bytes;
  }

  const proto::RemoteHead& head() const { return head_; }
  uint64_t written() const { return written_; }
  int bases() const { return bases_; }

 private:
  void Next() {
    head_.set_number(head_.number() + 1);
    head_.mutable_state()->set_durable_lsn(100 * head_.number());
    head_.mutable_state()->set_head_lsn(100 * head_.number());
  }

  proto::RemoteStep Step(const proto::RemoteMark& from) {
    proto::RemoteStep step;
    *step.mutable_from() = from;
    *step.mutable_to() = MarkOf(head_);
    const uint64_t bytes = Added(from.number(), head_.number());
    step.set_versions(bytes);
    if (from.number() + 1 == head_.number()) living_ += bytes;
    step.add_objects()->set_bytes(bytes);
    written_ += bytes;
    return step;
  }

  void WriteBase() {
    proto::RemoteStep* base = head_.mutable_base();
    base->Clear();
    *base->mutable_to() = MarkOf(head_);
    if (bases_++ == 0) living_ = kBytesOfBase;
    base->set_versions(living_);
    base->add_objects()->set_bytes(living_);
  }

  proto::RemoteHead head_;
  std::vector<uint64_t> added_;
  uint64_t living_ = 0;
  uint64_t written_ = 0;
  int bases_ = 0;
};

Place PlaceOf(uint64_t number) { return {.number = number, .durable_lsn = Lsn(100 * number)}; }

TEST(LevelsTest, WhoIsBehindTakesFewStepsAndLittleMoreThanWhatChanged) {
  Publisher publisher;
  std::mt19937 random(20261130);
  for (int i = 0; i < 700; ++i) {
    publisher.Publish(100'000);
    const uint64_t number = publisher.head().number();
    for (uint64_t behind = 1; behind < number; behind += 1 + random() % 30) {
      const std::optional<Steps> steps = PathFrom(publisher.head(), PlaceOf(number - behind));
      ASSERT_TRUE(steps) << number << " " << behind;
      const double ratio =
          static_cast<double>(BytesOf(*steps)) / static_cast<double>(publisher.Added(number - behind, number));
      ASSERT_LE(ratio, 1.4) << number << " " << behind;
      ASSERT_LE(steps->size(), 20U) << number << " " << behind;
    }
    ASSERT_TRUE(PathFromNothing(publisher.head()));
    ASSERT_EQ(BytesOf(*PathFromNothing(publisher.head())), kBytesOfBase + publisher.Added(1, number));
  }
  // Each change is written once for each level, and the head stays small.
  EXPECT_LE(publisher.written(), 6 * publisher.Added(1, publisher.head().number()));
  EXPECT_LE(publisher.head().changes_size(), 75);
  EXPECT_EQ(publisher.bases(), 1);
}

TEST(LevelsTest, StepsOfAnySizeLeadToTheHead) {
  Publisher publisher;
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    publisher.Publish(random() % 10 == 0 ? 20'000'000 : random() % 5'000 + 1);
    if (i % 40 == 39) publisher.Collect(kBytesOfBase);
    const uint64_t base = publisher.head().base().to().number();
    for (uint64_t number = base; number < publisher.head().number(); ++number) {
      const std::optional<Steps> steps = PathFrom(publisher.head(), PlaceOf(number));
      ASSERT_TRUE(steps);
      EXPECT_LE(steps->front()->from().number(), number);
      for (size_t at = 1; at < steps->size(); ++at) {
        EXPECT_LE((*steps)[at]->from().number(), (*steps)[at - 1]->to().number());
      }
      EXPECT_EQ(steps->back()->to().number(), publisher.head().number());
    }
  }
  EXPECT_GT(publisher.bases(), 1);
}

TEST(LevelsTest, ABaseIsWrittenOnceGcHasDroppedMuch) {
  Publisher publisher;
  for (int i = 0; i < 50; ++i) publisher.Publish(100'000);
  EXPECT_EQ(publisher.bases(), 1);
  publisher.Collect(4'500'000);  // Of six million.
  publisher.Publish(1'000);
  EXPECT_EQ(publisher.bases(), 1);
  publisher.Collect(2'000'000);
  publisher.Publish(1'000);
  EXPECT_EQ(publisher.bases(), 2);
  publisher.Publish(1'000);
  EXPECT_EQ(publisher.bases(), 2);
}

TEST(StepPathTest, TheCheapestWayIsTaken) {
  proto::RemoteHead head;
  head.set_number(4);
  head.mutable_state()->set_durable_lsn(400);
  const auto add = [&](uint64_t from, uint64_t to, uint64_t bytes) {
    proto::RemoteStep step;
    step.mutable_from()->set_number(from);
    step.mutable_from()->set_durable_lsn(100 * from);
    step.mutable_to()->set_number(to);
    step.mutable_to()->set_durable_lsn(100 * to);
    step.add_objects()->set_bytes(bytes);
    AddStep(step, &head);
  };
  const auto path = [&](uint64_t number, uint64_t lsn) {
    std::vector<std::pair<uint64_t, uint64_t>> numbers;
    const std::optional<Steps> steps = PathFrom(head, {.number = number, .durable_lsn = Lsn(lsn)});
    for (const proto::RemoteStep* step : steps.value_or(Steps())) {
      numbers.emplace_back(step->from().number(), step->to().number());
    }
    return numbers;
  };
  using ::testing::ElementsAre;
  using ::testing::IsEmpty;
  using ::testing::Pair;
  constexpr uint64_t kLarge = 10'000'000;
  add(0, 4, kLarge);
  add(1, 2, 10);
  add(2, 4, 10);
  add(3, 4, kLarge / 2);
  EXPECT_THAT(path(0, 0), ElementsAre(Pair(0, 4)));
  EXPECT_THAT(path(1, 100), ElementsAre(Pair(1, 2), Pair(2, 4)));
  EXPECT_THAT(path(3, 300), ElementsAre(Pair(2, 4)));
  EXPECT_THAT(path(4, 400), IsEmpty());
  // A place of another history with the same numbers: only what began before it goes on from it.
  EXPECT_THAT(path(1, 99), ElementsAre(Pair(0, 4)));
  EXPECT_THAT(path(2, 150), ElementsAre(Pair(0, 4)));
  EXPECT_THAT(path(3, 250), ElementsAre(Pair(2, 4)));
  EXPECT_FALSE(PathFrom(head, {.number = 5, .durable_lsn = Lsn(500)}));
}

}  // namespace
}  // namespace rotv::remote
