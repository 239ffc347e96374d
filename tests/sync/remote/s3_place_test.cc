// Labels: asan tsan

#include "sync/remote/s3_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/error.h"
#include "sync/remote/head_object.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/files/thrown.h"
#include "tests/sync/remote/small_store.h"

namespace rotv::remote {
namespace {

using testing::CodeOf;
using testing::ErrorOf;
using testing::Reaction;
using testing::SeenRequest;
using testing::SmallStore;
using Kind = Reaction::Kind;

class S3PlaceTest : public ::testing::Test {
 protected:
  S3PlaceTest() { source_.retries = 2; }

  std::unique_ptr<RemotePlace> Open(SmallStore& store) {
    const os::Environment environment = {{"AWS_ACCESS_KEY_ID", "key"}, {"AWS_SECRET_ACCESS_KEY", "secret"}};
    return OpenS3("s3://bucket/p", {.endpoint = store.relay().url()}, environment, context_);
  }
  // Fails one request, the number-th that `is_meant`, with a reaction.
  static testing::HttpRelay::React Once(std::function<bool(const SeenRequest&)> is_meant, Reaction reaction,
                                        int number = 0) {
    return [is_meant = std::move(is_meant), reaction, number, seen = 0](const SeenRequest& request) mutable {
      return is_meant(request) && seen++ == number ? reaction : Reaction();
    };
  }
  static bool IsPut(const SeenRequest& request) { return request.method == "PUT"; }

  const std::string name_ = std::string(64, 'a');
  SourceConfig source_;
  testing::NoProgress progress_;
  Interrupt interrupt_;
  Context context_{.source = source_, .home = {}, .progress = progress_, .interrupt = interrupt_};
};

TEST_F(S3PlaceTest, OnlyObjectsOfOursAreListedAndAllParts) {
  SmallStore store;
  const std::string other = std::string(63, 'b') + "0";
  for (const std::string& key :
       {"p/objects/" + name_, "p/objects/" + other, "p/objects/" + name_ + ".part", "p/objects/ab/" + name_,
        "p/objects/" + std::string(64, 'G'), std::string("p/objects/readme"), std::string("p/head")}) {
    store.objects()[key] = "12";
  }
  std::vector<std::string> names;
  for (const RemotePlace::Listed& listed : Open(store)->ListObjects()) names.push_back(listed.name);
  EXPECT_THAT(names, ::testing::ElementsAre(name_, other));
}

TEST_F(S3PlaceTest, AListWithoutAnEndIsGivenUp) {
  SmallStore store;
  store.objects()["p/objects/" + name_] = "12";
  store.SetFailure([](const SeenRequest&) {
    return Reaction{.kind = Kind::kAnswer,
                    .body =
                        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x"
                        "</NextContinuationToken></ListBucketResult>"};
  });
  EXPECT_EQ(CodeOf([&] { Open(store)->ListObjects(); }), ErrorCode::kProtocol);
}

TEST_F(S3PlaceTest, ACopyThatFailsAfterItsAnswerBeganIsMadeAgain) {
  SmallStore store;
  store.objects()["p/objects/" + name_] = "12";
  for (const char* code : {"InternalError", "SlowDown"}) {
    store.relay().TakeSeen();
    store.SetFailure(Once(IsPut, SmallStore::Says(200, code)));
    EXPECT_TRUE(Open(store)->KeepObject(name_));
    EXPECT_EQ(store.relay().TakeSeen().size(), 2u) << code;
  }
  store.SetFailure([](const SeenRequest&) { return SmallStore::Says(404, "NoSuchKey"); });
  EXPECT_FALSE(Open(store)->KeepObject(name_));  // Gone meanwhile: it is written instead.
  store.SetFailure([](const SeenRequest&) { return SmallStore::Says(200, "AccessDenied"); });
  EXPECT_EQ(CodeOf([&] { Open(store)->KeepObject(name_); }), ErrorCode::kRefused);
}

TEST_F(S3PlaceTest, AnObjectThatIsGoneNeedNotBeRemoved) {
  SmallStore store;
  const std::unique_ptr<RemotePlace> place = Open(store);
  place->WriteObject(name_, "12");
  EXPECT_EQ(store.objects().at("p/objects/" + name_), "12");
  place->RemoveObject(name_);
  EXPECT_TRUE(store.objects().empty());
  place->RemoveObject(name_);
  store.SetFailure([](const SeenRequest&) { return SmallStore::Says(404, "NoSuchKey"); });
  place->RemoveObject(name_);
  store.SetFailure([](const SeenRequest&) { return SmallStore::Says(403, "AccessDenied"); });
  EXPECT_EQ(CodeOf([&] { place->RemoveObject(name_); }), ErrorCode::kRefused);
}

TEST_F(S3PlaceTest, EachFormOfConditionsIsFoundAndKept) {
  for (const auto conditions : {SmallStore::Conditions::kKept, SmallStore::Conditions::kWithoutQuotes}) {
    SmallStore store(conditions);
    EXPECT_TRUE(Open(store)->ReplaceHead(std::nullopt, "1"));
    const std::unique_ptr<RemotePlace> place = Open(store);
    const std::unique_ptr<RemotePlace> late = Open(store);
    EXPECT_EQ(place->ReadHead(), "1");
    EXPECT_EQ(late->ReadHead(), "1");
    EXPECT_TRUE(place->ReplaceHead("1", "2"));
    EXPECT_FALSE(late->ReplaceHead("1", "3"));
    EXPECT_EQ(store.objects(), (std::map<std::string, std::string>{{"p/head", "2"}}));
  }
}

TEST_F(S3PlaceTest, AStoreThatIgnoresIfMatchAloneIsRefused) {
  SmallStore store(SmallStore::Conditions::kIfMatchIgnored);
  const Error error = ErrorOf([&] { Open(store)->ReplaceHead(std::nullopt, "1"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.hint(), ::testing::HasSubstr("single_publisher = true"));
  EXPECT_TRUE(store.objects().empty());
}

TEST_F(S3PlaceTest, AnyAnswerToTheTestOfConditionsMayBeLost) {
  for (const auto conditions : {SmallStore::Conditions::kKept, SmallStore::Conditions::kWithoutQuotes}) {
    for (int number = 0; number < 7; ++number) {
      SmallStore store(conditions);
      store.SetFailure(Once(IsPut, {.kind = Kind::kLoseAnswer}, number));
      EXPECT_TRUE(Open(store)->ReplaceHead(std::nullopt, "1")) << number;
      EXPECT_EQ(store.objects(), (std::map<std::string, std::string>{{"p/head", "1"}})) << number;
    }
  }
}

TEST_F(S3PlaceTest, WhatAnEndedTestOfConditionsLeavesIsRemovedByTheNext) {
  SmallStore store;
  source_.retries = 0;
  store.objects()["p/probe-of-others"] = "1";
  store.objects()["p/probe-0123456789abcdef/x"] = "1";
  store.SetFailure([puts = 0](const SeenRequest& request) mutable {
    return IsPut(request) && puts++ > 0 ? Reaction{.kind = Kind::kLoseAnswer} : Reaction();
  });
  EXPECT_EQ(CodeOf([&] { Open(store)->ReplaceHead(std::nullopt, "1"); }), ErrorCode::kUnreachable);
  EXPECT_EQ(store.objects().size(), 3u);
  store.SetFailure([](const SeenRequest&) { return Reaction(); });
  EXPECT_TRUE(Open(store)->ReplaceHead(std::nullopt, "1"));
  EXPECT_EQ(store.objects().size(), 3u);
  EXPECT_EQ(store.objects().count("p/head"), 1u);

  store.objects().erase("p/head");
  store.SetFailure([](const SeenRequest& request) {
    return SmallStore::IsList(request) ? SmallStore::Says(403, "AccessDenied") : Reaction();
  });
  EXPECT_TRUE(Open(store)->ReplaceHead(std::nullopt, "1"));  // Listing is not needed.
}

TEST_F(S3PlaceTest, AHeadThatWasDamagedOnItsWayIsAskedForAgain) {
  SmallStore store;
  const testing::TempDir directory;
  const std::string head = PackHead({}, nullptr, nullptr);
  ASSERT_TRUE(Open(store)->ReplaceHead(std::nullopt, head));
  std::string damaged = head;
  damaged.back() ^= 1;
  store.SetFailure(Once([](const SeenRequest& request) { return request.method == "GET"; },
                        {.kind = Kind::kAnswer, .headers = {{"ETag", store.Tag("p/head")}}, .body = damaged}));
  const std::unique_ptr<RemotePlace> place = Open(store);
  place->KeepHeadIn(directory / "head");
  EXPECT_EQ(place->ReadHead(), damaged);
  EXPECT_EQ(place->ReadHead(), head);
  const std::unique_ptr<RemotePlace> next = Open(store);
  next->KeepHeadIn(directory / "head");
  store.SetFailure([](const SeenRequest& request) {
    return request.headers.count("if-none-match") > 0 ? Reaction() : SmallStore::Says(403, "AccessDenied");
  });
  EXPECT_EQ(next->ReadHead(), head);  // Which is known by now.
}

}  // namespace
}  // namespace rotv::remote
