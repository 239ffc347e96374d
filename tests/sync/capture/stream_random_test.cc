// A captured stream with its messages changed, dropped, doubled and moved is refused, or whole transactions come of it.
// A fuzzer covers more of the same; this test is part of every run.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/fuzz/stream_world.h"
#include "tests/sync/formats/captured_file.h"

namespace rotv {
namespace {

std::vector<std::string> CapturedStream() {
  std::vector<std::string> messages;
  for (const CapturedMessage& message : ReadCapturedMessages()) messages.push_back(message.bytes);
  return messages;
}

class StreamMutation {
 public:
  explicit StreamMutation(uint32_t seed) : random_(seed) {}

  void Apply(std::vector<std::string>* messages) {
    const size_t at = Below(messages->size());
    std::string& message = (*messages)[at];
    switch (Below(7)) {
      case 0:
        messages->erase(messages->begin() + static_cast<ptrdiff_t>(at));
        break;
      case 1:
        messages->insert(messages->begin() + static_cast<ptrdiff_t>(Below(messages->size())), std::string(message));
        break;
      case 2:
        std::swap(message, (*messages)[Below(messages->size())]);
        break;
      case 3:
        if (!message.empty()) message.resize(Below(message.size()));
        break;
      case 4:
        message.insert(Below(message.size() + 1), 1, Byte());
        break;
      default:
        if (!message.empty()) message[Below(message.size())] = Byte();
        break;
    }
  }

  size_t Below(size_t limit) { return random_() % limit; }

 private:
  // Bytes with a meaning are more likely.
  char Byte() {
    constexpr std::string_view kLikely = "BCRIUDTYMONKntu\0\1\n\\\t\x80";
    return Below(2) == 0 ? kLikely[Below(kLikely.size())] : static_cast<char>(random_());
  }

  std::mt19937 random_;
};

TEST(StreamRandomTest, ATamperedStreamIsRefusedOrStoredAsWholeTransactions) {
  const std::vector<std::string> captured = CapturedStream();
  StreamWorld world(captured);
  const StreamWorld::Outcome good = world.Run(captured);
  EXPECT_FALSE(good.refused);
  EXPECT_GT(good.rows, 5u);
  StreamMutation mutation(41);
  int refused = 0;
  constexpr int kRounds = 3'000;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::string> messages = captured;
    for (size_t i = 0, count = 1 + mutation.Below(3); i < count && !messages.empty(); ++i) mutation.Apply(&messages);
    refused += world.Run(messages).refused ? 1 : 0;
  }
  EXPECT_GT(refused, kRounds / 2);
  EXPECT_LT(refused, kRounds) << "some mutations leave a valid stream";
}

}  // namespace
}  // namespace rotv
