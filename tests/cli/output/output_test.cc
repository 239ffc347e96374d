#include "cli/output/output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

namespace rotv {
namespace {

struct Captured {
  std::string out;
  std::string err;
  output::Output::Streams Streams() {
    return {.out = [this](std::string_view text) { return out += text, true; },
            .err = [this](std::string_view text) { return err += text, true; }};
  }
};

TEST(OutputTest, TextResultsGoToStdoutAsTheyAre) {
  Captured captured;
  output::Output("rotv-sync", output::Output::Form::kText, captured.Streams())
      .Result("done\n", output::Json{{"ok", true}});
  EXPECT_EQ(captured.out, "done\n");
  EXPECT_EQ(captured.err, "");
}

TEST(OutputTest, JsonResultsAreOneDocumentInTheOrderGiven) {
  Captured captured;
  output::Output("rotv-sync", output::Output::Form::kJson, captured.Streams())
      .Result("done\n", output::Json{{"z", 1}, {"a", "0/1"}});
  EXPECT_EQ(captured.out, "{\n  \"z\": 1,\n  \"a\": \"0/1\"\n}\n");
}

TEST(OutputTest, ErrorsAreTwoLinesOnStderr) {
  Captured captured;
  output::Output("rotv-sync", output::Output::Form::kText, captured.Streams())
      .Failure(Error(ErrorCode::kDisk, "the disk is full", "free some"));
  EXPECT_EQ(captured.err, "rotv-sync: the disk is full\nhint: free some\n");
  EXPECT_EQ(captured.out, "");
}

TEST(OutputTest, MultilineMessagesStillMakeTwoLines) {
  Captured captured;
  output::Output("rotv-sync", output::Output::Form::kText, captured.Streams())
      .Failure(Error(ErrorCode::kRefused, "FATAL: no\nDETAIL: x\n", "a\nb"));
  EXPECT_EQ(captured.err, "rotv-sync: FATAL: no DETAIL: x\nhint: a b\n");
}

TEST(OutputTest, EveryCodeHasAHint) {
  for (ErrorCode code :
       {ErrorCode::kBug, ErrorCode::kUsage, ErrorCode::kRefused, ErrorCode::kUnreachable, ErrorCode::kProtocol,
        ErrorCode::kDisk, ErrorCode::kCorrupt, ErrorCode::kSlotLost, ErrorCode::kSchemasDiffer, ErrorCode::kInUse,
        ErrorCode::kCannotStart, ErrorCode::kInterrupted}) {
    Captured captured;
    output::Output("rotv-sync", output::Output::Form::kText, captured.Streams()).Failure(Error(code, "x"));
    EXPECT_GT(captured.err.size(), std::string("rotv-sync: x\nhint: \n").size()) << static_cast<int>(code);
  }
}

TEST(OutputTest, JsonErrorsAreADocumentOnStdoutWithTheExitCode) {
  Captured captured;
  output::Output("rotv-sync", output::Output::Form::kJson, captured.Streams())
      .Failure(Error(ErrorCode::kSlotLost, "the slot is lost", "again"));
  nlohmann::json document = nlohmann::json::parse(captured.out);
  EXPECT_EQ(document, (nlohmann::json{{"error", {{"code", 8}, {"message", "the slot is lost"}, {"hint", "again"}}}}));
  EXPECT_EQ(captured.err, "");
}

TEST(OutputTest, WhenDataGoesToStdoutEverythingElseGoesToStderr) {
  Captured captured;
  output::Output output("rotv-sync", output::Output::Form::kJson, captured.Streams());
  output.LeaveStdoutToData();
  output.Result("", output::Json{{"ok", true}});
  output.Failure(Error(ErrorCode::kDisk, "x", "y"));
  EXPECT_EQ(captured.out, "");
  EXPECT_THAT(captured.err, ::testing::HasSubstr("\"ok\""));
  EXPECT_THAT(captured.err, ::testing::HasSubstr("\"error\""));
}

TEST(OutputTest, UnescapedControlCharactersDoNotReachATerminal) {
  Captured captured;
  output::Output output("rotv-sync", output::Output::Form::kText, captured.Streams());
  output.Result("public.\x1b[2Jt\u202e\n", output::Json());
  output.Part("public.\u009b2Jt\n");
  output.Failure(Error(ErrorCode::kRefused, "no \x1b]0;x\a\u2066 t", "ask \x9b"));
  EXPECT_EQ(captured.out, "public.?[2Jt?\npublic.?2Jt\n");
  EXPECT_EQ(captured.err, "rotv-sync: no ?]0;x?? t\nhint: ask ?\n");
}

// Both are the same document.
TEST(OutputTest, NamesInJsonAreExactAndEscapedOnATerminal) {
  const std::string name = "t\u202e\u009b\U000e0041\x7f\x1b";
  for (const bool terminal : {false, true}) {
    Captured captured;
    output::Output::Streams streams = captured.Streams();
    streams.out_is_terminal = terminal;
    output::Output("rotv-sync", output::Output::Form::kJson, streams).Result("", output::Json{{"name", name}});
    EXPECT_EQ(nlohmann::json::parse(captured.out)["name"], name);
    EXPECT_EQ(captured.out.find("\u202e") == std::string::npos, terminal);
  }
}

TEST(OutputTest, InvalidUtf8DoesNotBreakTheDocument) {
  std::string text = output::JsonText(output::Json{{"name",
                                                    "gr\xf6\xdf"
                                                    "e"}});
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
}

TEST(WriteAllTest, AClosedPipeIsNotAnError) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_TRUE(output::WriteAll(ends[1], "heard"));
  EXPECT_FALSE(output::ReaderIsGone(ends[1]));
  close(ends[0]);
  EXPECT_FALSE(output::WriteAll(ends[1], "unheard"));
  EXPECT_TRUE(output::ReaderIsGone(ends[1]));
  close(ends[1]);
  EXPECT_FALSE(output::WriteAll(ends[1], "closed"));
  EXPECT_TRUE(output::ReaderIsGone(ends[1]));
}

TEST(WriteAllTest, AFullDiskIsAnError) {
  int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  try {
    output::WriteAll(full, "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDisk);
  }
  close(full);
}

}  // namespace
}  // namespace rotv
