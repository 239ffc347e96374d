#include "cli/launch/log_filter.h"

#include <gtest/gtest.h>

namespace rotv::launch {
namespace {

constexpr std::string_view kLog =
    "rotv: phase: server\npostgres: 2026 [1] LOG:  starting\n\tits second line\nlistening\n\tat 1\npostgres: 2 [1] "
    "ERROR:  x\nrotv: database ready\nbye";

std::string Filtered(LogPart part, size_t piece) {
  LogFilter filter(part);
  std::string text;
  for (size_t at = 0; at < kLog.size(); at += piece) text += filter.Feed(kLog.substr(at, piece));
  return text + filter.Rest();
}

TEST(LogFilterTest, LinesAreToldApartHoweverTheyAreCut) {
  for (size_t piece = 1; piece <= kLog.size(); ++piece) {
    EXPECT_EQ(Filtered(LogPart::kAll, piece), kLog);
    EXPECT_EQ(Filtered(LogPart::kApplication, piece), "listening\n\tat 1\nbye");
    EXPECT_EQ(Filtered(LogPart::kPostgres, piece),
              "postgres: 2026 [1] LOG:  starting\n\tits second line\npostgres: 2 [1] ERROR:  x\n");
    EXPECT_EQ(Filtered(LogPart::kEntrypoint, piece), "rotv: phase: server\nrotv: database ready\n");
  }
}

}  // namespace
}  // namespace rotv::launch
