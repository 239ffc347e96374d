#include "sync/context/link_retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "storage/error.h"

namespace rotv {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;
using Kind = LinkError::Kind;
using ::testing::ElementsAre;

class WarningsOnly : public Progress {
 public:
  void Begin(std::string_view, Unit, uint64_t) override {}
  void Update(uint64_t) override {}
  void Detail(std::string_view) override {}
  void End() override {}
  void Warn(std::string_view line) override {
    warnings.emplace_back(line);
    warned = true;
  }
  void Say(std::string_view) override {}
  void Note(std::string_view) override {}

  std::vector<std::string> warnings;
  std::atomic<bool> warned{false};  // For another thread.
};

class LinkRetryTest : public ::testing::Test {
 protected:
  static LinkRetry::Delays Short() { return {.first = milliseconds(1), .longest = milliseconds(2)}; }

  // The number of attempts that are made after one break after the other; then the error's message.
  static int AttemptsUntilItGivesUp(LinkRetry& retry, Kind kind, std::string* message = nullptr) {
    for (int attempts = 0;; ++attempts) {
      try {
        retry.Wait(LinkError(kind, "the link broke", "plug it in"));
      } catch (const LinkError& error) {
        EXPECT_EQ(error.code(), ErrorCode::kUnreachable);
        EXPECT_EQ(error.kind(), kind);
        EXPECT_EQ(error.hint(), "plug it in");
        if (message != nullptr) *message = error.what();
        return attempts;
      }
    }
  }

  SourceConfig source_;
  WarningsOnly progress_;
  Interrupt interrupt_;
  Context context_{source_, "/nowhere", progress_, interrupt_};
};

TEST_F(LinkRetryTest, ABrokenLinkIsRetriedAsOftenAsTheSourceSays) {
  source_.retries = 3;
  LinkRetry retry(context_, Short());
  std::string message;
  EXPECT_EQ(AttemptsUntilItGivesUp(retry, Kind::kBroke, &message), 3);
  EXPECT_EQ(message, "the link broke (gave up after 3 attempts to reconnect)");
  EXPECT_EQ(retry.retries(), 3);
  EXPECT_THAT(progress_.warnings,
              ElementsAre("the link broke; reconnecting, 1 of 3", "the link broke; reconnecting, 2 of 3",
                          "the link broke; reconnecting, 3 of 3"));
}

TEST_F(LinkRetryTest, ALinkThatWasNeverMadeIsNotRetried) {
  LinkRetry retry(context_, Short());
  std::string message;
  EXPECT_EQ(AttemptsUntilItGivesUp(retry, Kind::kNotMade, &message), 0);
  EXPECT_EQ(message, "the link broke");
  EXPECT_TRUE(progress_.warnings.empty());
}

TEST_F(LinkRetryTest, ALinkThatCannotBeMadeAgainIsRetried) {
  source_.retries = 2;
  LinkRetry retry(context_, Short());
  retry.Reached();
  EXPECT_EQ(AttemptsUntilItGivesUp(retry, Kind::kNotMade), 2);
}

TEST_F(LinkRetryTest, AFirstConnectionThatBreaksShowsThatThePlaceWasRight) {
  source_.retries = 2;
  LinkRetry retry(context_, Short());
  retry.Wait(LinkError(Kind::kBroke, "the link broke", ""));
  EXPECT_EQ(AttemptsUntilItGivesUp(retry, Kind::kNotMade), 1);
}

TEST_F(LinkRetryTest, ProgressStartsTheCountAgain) {
  source_.retries = 2;
  LinkRetry retry(context_, Short());
  for (int i = 0; i < 5; ++i) {
    retry.Wait(LinkError(Kind::kBroke, "the link broke", ""));
    retry.Wait(LinkError(Kind::kBroke, "the link broke", ""));
    retry.Progressed();
  }
  EXPECT_EQ(AttemptsUntilItGivesUp(retry, Kind::kBroke), 2);
  EXPECT_EQ(retry.retries(), 12);
}

TEST_F(LinkRetryTest, NothingIsRetriedWithoutRetries) {
  source_.retries = 0;
  LinkRetry none(context_, Short());
  none.Reached();
  std::string message;
  EXPECT_EQ(AttemptsUntilItGivesUp(none, Kind::kBroke, &message), 0);
  EXPECT_EQ(message, "the link broke");
  source_.retries = 8;
  context_.retry = false;
  LinkRetry forbidden(context_, Short());
  EXPECT_EQ(AttemptsUntilItGivesUp(forbidden, Kind::kBroke), 0);
  EXPECT_TRUE(progress_.warnings.empty());
}

TEST_F(LinkRetryTest, AnInterruptEndsTheWaitAtOnce) {
  LinkRetry retry(context_, {.first = seconds(60), .longest = seconds(60)});
  std::thread interrupting([&] {
    while (!progress_.warned) std::this_thread::yield();
    interrupt_.Request();
  });
  const auto start = Clock::now();
  try {
    retry.Wait(LinkError(Kind::kBroke, "the link broke", ""));
    ADD_FAILURE() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
  }
  EXPECT_LT(Clock::now() - start, seconds(10));
  interrupting.join();
}

TEST_F(LinkRetryTest, AnInterruptComesBeforeTheBreakThatItCauses) {
  LinkRetry retry(context_, Short());
  interrupt_.Request();
  EXPECT_THROW(retry.Wait(LinkError(Kind::kBroke, "the link broke", "")), Error);
  EXPECT_TRUE(progress_.warnings.empty());
}

TEST(LinkRetryDelayTest, DelaysDoubleUpToTheLongestWithAJitter) {
  const LinkRetry::Delays delays;
  std::vector<int64_t> base;
  for (int attempt = 1; attempt <= 8; ++attempt) base.push_back(DelayBefore(attempt, delays, 0).count());
  EXPECT_THAT(base, ElementsAre(500, 1000, 2000, 4000, 8000, 15000, 15000, 15000));
  EXPECT_EQ(DelayBefore(3, delays, 0.5), milliseconds(2400));
  EXPECT_EQ(DelayBefore(3, delays, 1), milliseconds(2800));
  EXPECT_EQ(DelayBefore(100, delays, 0), delays.longest);
}

TEST(LinkRetryDelayTest, ALinkThatIsGoneForAMinuteIsOutlasted) {
  milliseconds shortest{0};
  for (int attempt = 1; attempt <= SourceConfig().retries; ++attempt) shortest += DelayBefore(attempt, {}, 0);
  EXPECT_GE(shortest, seconds(60));
}

}  // namespace
}  // namespace rotv
