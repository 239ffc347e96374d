// A history that is published in a real S3 store, and followed from there.

#include "tests/e2e/remote/s3_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class S3PublishTest : public S3Test {};

TEST_F(S3PublishTest, AFollowerHasTheSeedOfEachPublication) {
  relay().TakeSeen();
  rotv.MustSync({"publish"});
  const std::vector<std::string> first = Asked();
  EXPECT_THAT(std::count(first.begin(), first.end(), "PUT probe"), AnyOf(4, 5));  // Some stores want another form.
  EXPECT_EQ(first.back(), "PUT head");

  FollowerIsDump(Import::kTry);
  EXPECT_THAT(Asked(), Not(Contains("LIST")));
  // Nothing new is one request, whose answer has no body, and reads nothing of the store.
  EXPECT_TRUE(FollowerJson({"pull"}).at("up_to_date"));
  EXPECT_THAT(Asked(), ElementsAre("GET head"));
  WriteFile(follower_home() / "sources" / "copy" / "remote-head", "damaged");
  EXPECT_TRUE(FollowerJson({"pull"}).at("up_to_date"));
  EXPECT_THAT(Asked(), ElementsAre("GET head"));

  Exec("UPDATE t SET v = 'changed' WHERE id < 30; DELETE FROM t WHERE id = 100; ALTER TABLE t ADD COLUMN n int");
  relay().TakeSeen();
  PullAndPublish();
  EXPECT_THAT(Asked(), ElementsAre("GET head", "LIST", "PUT object", "PUT head"));  // It is probed once.
  FollowerIsDump(Import::kTry);
  EXPECT_THAT(Asked(), ElementsAre("GET head", "GET object"));
  for (const char* point : {"head", "baseline"}) SameSeedAt(point);

  // All connections of a command are one.
  const int before = relay().connections();
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  EXPECT_EQ(relay().connections(), before + 2);
}

TEST_F(S3PublishTest, APublisherNoticesWhoWasFaster) {
  rotv.MustSync({"publish"});
  const std::filesystem::path theirs = rotv.directory() / "their head";
  WriteFile(theirs, "another publisher's");
  Exec("DELETE FROM t WHERE id = 1");
  rotv.MustSync({"pull"});
  bool is_first = true;
  relay().SetReaction([&](const SeenRequest& request) {
    if (NameOf(request) == "PUT head" && std::exchange(is_first, false)) store().Put(EncodedKey("head"), theirs);
    return Reaction();
  });
  const Result result = rotv.Sync({"publish"});
  EXPECT_EQ(result.exit_status, 10) << result.err;
  EXPECT_EQ(store().Get(EncodedKey("head")), "another publisher's");

  // Objects that a run has left are used by the next one: each is copied onto itself, which makes it young.
  store().Delete(EncodedKey("head"));
  relay().SetReaction([](const SeenRequest& request) {
    return NameOf(request) == "PUT head" ? S3Says(403, "AccessDenied") : Reaction();
  });
  EXPECT_EQ(rotv.Sync({"publish"}).exit_status, 3);
  int kept = 0;
  // The answer to its own write is lost: it has been done all the same.
  bool is_lost = false;
  relay().SetReaction([&](const SeenRequest& request) {
    if (request.headers.count("x-amz-copy-source") > 0) ++kept;
    if (NameOf(request) != "PUT head" || std::exchange(is_lost, true)) return Reaction();
    return Reaction{.kind = Reaction::Kind::kLoseAnswer};
  });
  rotv.MustSync({"publish"});
  EXPECT_TRUE(is_lost);
  EXPECT_GT(kept, 0);
  relay().SetReaction({});
  FollowerIsDump();
}

TEST_F(S3PublishTest, AStoreWithoutConditionalWritesIsRefused) {
  const auto refuses = [](const SeenRequest& request) {
    const bool has_condition = request.headers.count("if-none-match") + request.headers.count("if-match") > 0;
    return request.method == "PUT" && has_condition ? S3Says(501, "NotImplemented") : Reaction();
  };
  const auto ignores = [](const SeenRequest& request) {
    const bool has_condition = request.headers.count("if-none-match") + request.headers.count("if-match") > 0;
    return request.method == "PUT" && has_condition
               ? Reaction{.kind = Reaction::Kind::kAnswer, .status = 200, .headers = {{"ETag", "\"1\""}}}
               : Reaction();
  };
  for (const HttpRelay::React& store_like : {HttpRelay::React(refuses), HttpRelay::React(ignores)}) {
    relay().SetReaction(store_like);
    const Result result = rotv.Sync({"publish"});
    EXPECT_EQ(result.exit_status, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr("single_publisher = true"));
  }
  WriteFile(rotv.config(), ReadFile(rotv.config()) + "single_publisher = true\n");
  relay().SetReaction(refuses);
  rotv.MustSync({"publish"});
  FollowerIsDump();
}

}  // namespace
}  // namespace rotv::testing
