// Labels: asan

#include "sync/remote/web_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/error.h"
#include "sync/remote/head_object.h"
#include "sync/remote/open_place.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/files/thrown.h"
#include "tests/support/no_progress.h"
#include "tests/support/servers/http_relay.h"

namespace rotv::remote {
namespace {

using testing::CodeOf;
using testing::ErrorOf;
using testing::HttpRelay;
using testing::Reaction;
using testing::SeenRequest;
using Kind = Reaction::Kind;

class WebPlaceTest : public ::testing::Test {
 protected:
  WebPlaceTest() : relay_(0) { source_.retries = 1; }

  std::unique_ptr<RemotePlace> Open() { return OpenWeb(relay_.url() + "/p", "", context_); }

  HttpRelay relay_;
  SourceConfig source_;
  testing::NoProgress progress_;
  Interrupt interrupt_;
  Context context_{.source = source_, .home = {}, .progress = progress_, .interrupt = interrupt_};
};

TEST_F(WebPlaceTest, AnErrorsPageMayBeLongerThanTheObject) {
  int status = 503;
  bool stays = false;
  relay_.SetReaction([&](const SeenRequest&) {
    const Reaction reaction = {.kind = Kind::kAnswer, .status = status, .body = std::string(5000, 'x')};
    if (!stays) status = 200;
    return status == 200 && reaction.status == 200 ? Reaction{.kind = Kind::kAnswer, .body = "12"} : reaction;
  });
  EXPECT_EQ(Open()->ReadObject("a", 2), "12");
  stays = true;
  for (const auto& [answer, code] : {std::pair(503, ErrorCode::kUnreachable), std::pair(403, ErrorCode::kRefused),
                                     std::pair(404, ErrorCode::kCorrupt)}) {
    status = answer;
    EXPECT_EQ(CodeOf([&] { Open()->ReadObject("a", 2); }), code) << answer;
  }
  status = 200;
  EXPECT_EQ(CodeOf([&] { Open()->ReadObject("a", 1); }), ErrorCode::kCorrupt);
}

TEST_F(WebPlaceTest, AHeadThatWasDamagedOnItsWayIsAskedForAgain) {
  const testing::TempDir directory;
  const std::string head = PackHead({}, nullptr, nullptr);
  bool is_damaged = true;
  relay_.SetReaction([&](const SeenRequest& request) {
    if (request.headers.count("if-none-match") > 0) return Reaction{.kind = Kind::kAnswer, .status = 304};
    std::string body = head;
    if (std::exchange(is_damaged, false)) body.back() ^= 1;
    return Reaction{.kind = Kind::kAnswer, .headers = {{"ETag", "\"1\""}}, .body = body};
  });
  const auto read = [&] {
    const std::unique_ptr<RemotePlace> place = Open();
    place->KeepHeadIn(directory / "head");
    return place->ReadHead();
  };
  EXPECT_NE(read(), head);
  EXPECT_EQ(read(), head);
  EXPECT_EQ(read(), head);
  EXPECT_EQ(relay_.TakeSeen().back().headers.at("if-none-match"), "\"1\"");
}

TEST_F(WebPlaceTest, AnAddressIsAsTheServerHasIt) {
  for (const char* url : {"https://host/a/../b", "https://host/a/%2E%2e", "https://host/./a"}) {
    EXPECT_EQ(CodeOf([&] { OpenWeb(url, "", context_); }), ErrorCode::kUsage) << url;
  }
  EXPECT_NE(OpenWeb("https://host/a..b/.c", "", context_), nullptr);
}

TEST_F(WebPlaceTest, TheSignatureInAnAddressIsNotShown) {
  const Error error =
      ErrorOf([&] { OpenPlace({.url = "https://host/a?signature=s3cret", .s3 = {}}, Purpose::kPublish, context_); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.what() + error.hint(), ::testing::Not(::testing::HasSubstr("s3cret")));
}

}  // namespace
}  // namespace rotv::remote
