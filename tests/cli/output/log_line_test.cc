// stderr as JSON objects, one a line: messages, progress and errors.

#include "cli/output/log_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "cli/output/output.h"
#include "cli/output/progress_bar.h"

namespace rotv {
namespace {

std::vector<output::Json> Objects(const std::string& text) {
  std::vector<output::Json> objects;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) objects.push_back(output::Json::parse(line));
  return objects;
}

TEST(LogLineTest, MessagesAndProgressAreObjects) {
  output::ProgressBar::TimePoint now{};
  std::string written;
  output::ProgressBar::Options options;
  options.verbosity = output::Verbosity::kVerbose;
  options.format = output::LogFormat::kJson;
  options.now = [&] { return now; };
  options.log_time = [] { return int64_t{1'500'000}; };
  options.write = [&](std::string_view text) { written += text; };
  output::ProgressBar bar(options);
  bar.Say("hello \x1b[2J\nthere");
  bar.Warn("careful");
  bar.Begin("copying rows", Progress::Unit::kRows, 100);
  bar.Detail("public.t");
  now += std::chrono::seconds(6);
  bar.Update(40);
  now += std::chrono::seconds(1);
  bar.Update(100);
  bar.End();
  EXPECT_EQ(written.find('\x1b'), std::string::npos);
  const std::vector<output::Json> lines = Objects(written);
  ASSERT_EQ(lines.size(), 4U) << written;
  const char* const time = "1970-01-01T00:00:01.500000Z";
  EXPECT_EQ(
      lines[0],
      (output::Json{{"time", time}, {"level", "info"}, {"program", "rotv-sync"}, {"message", "hello ?[2J there"}}));
  EXPECT_EQ(lines[1].at("level"), "warning");
  EXPECT_EQ(lines[1].at("message"), "careful");
  EXPECT_EQ(lines[2], (output::Json{{"time", time},
                                    {"level", "progress"},
                                    {"program", "rotv-sync"},
                                    {"message", "copying rows"},
                                    {"done", 40},
                                    {"total", 100},
                                    {"unit", "rows"},
                                    {"seconds", 6.0},
                                    {"ended", false},
                                    {"detail", "public.t"}}));
  EXPECT_EQ(lines[3].at("done"), 100);
  EXPECT_EQ(lines[3].at("ended"), true);
}

TEST(LogLineTest, ErrorsAreOneObjectAndResultsOnlyWhereStdoutIsTaken) {
  std::string out, err;
  output::Output output("rotv-sync", output::Output::Form::kText,
                        {.out = [&](std::string_view text) { return out += text, true; },
                         .err = [&](std::string_view text) { return err += text, true; },
                         .json_log = true,
                         .now = [] { return int64_t{0}; }});
  output.Failure(Error(ErrorCode::kDisk, "the disk is full", "free some"));
  EXPECT_EQ(Objects(err).at(0), (output::Json{{"time", "1970-01-01T00:00:00.000000Z"},
                                              {"level", "error"},
                                              {"program", "rotv-sync"},
                                              {"message", "the disk is full"},
                                              {"code", 6},
                                              {"hint", "free some"}}));
  output.Result("done\n", output::Json{{"ok", true}});
  EXPECT_EQ(out, "done\n");
  err.clear();
  output.LeaveStdoutToData();
  output.Result("wrote it\n", output::Json{{"ok", true}});
  EXPECT_EQ(Objects(err).at(0).at("message"), "wrote it");
}

}  // namespace
}  // namespace rotv
