#include "sync/http/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "storage/error.h"
#include "sync/http/http_failure.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/files/thrown.h"
#include "tests/support/no_progress.h"
#include "tests/support/servers/http_relay.h"

namespace rotv::http {
namespace {

using testing::HttpRelay;
using testing::Reaction;
using testing::SeenRequest;
using Kind = Reaction::Kind;

Reaction Says(int status, std::string body = "") {
  return {.kind = Kind::kAnswer, .status = status, .body = std::move(body)};
}

class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest() : relay_(0) {}

  HttpRelay relay_;
  SourceConfig source_;
  testing::NoProgress progress_;
  Interrupt interrupt_;
  Context context_{.source = source_, .home = {}, .progress = progress_, .interrupt = interrupt_};
};

TEST_F(HttpClientTest, RequestsOfAThreadShareAConnection) {
  relay_.SetReaction([](const SeenRequest& request) {
    return Reaction{.kind = Kind::kAnswer, .status = 200, .headers = {{"ETag", "\"7\""}}, .body = request.target};
  });
  HttpClient client(context_, {});
  for (int i = 0; i < 3; ++i) {
    const Answer answer = client.Send({.url = relay_.url() + "/a"});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "/a");
    EXPECT_EQ(answer.Header("etag"), "\"7\"");
  }
  EXPECT_EQ(relay_.connections(), 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 25; ++j) EXPECT_EQ(client.Send({.url = relay_.url() + "/b"}).body, "/b");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(relay_.connections(), 5);
}

TEST_F(HttpClientTest, TheBodyOfAPutArrivesWholeHoweverLarge) {
  relay_.SetReaction([](const SeenRequest& request) { return Says(200, std::to_string(request.body.size())); });
  HttpClient client(context_, {});
  for (const size_t size : {size_t{0}, size_t{1}, size_t{3} << 20}) {
    const std::string body(size, 'x');
    EXPECT_EQ(client.Send({.method = "PUT", .url = relay_.url(), .body = body}).body, std::to_string(size));
  }
}

TEST_F(HttpClientTest, WhatMayPassIsTriedAgainAndNothingElse) {
  int asked = 0;
  const auto answers = [&](const std::vector<Reaction>& reactions) {
    asked = 0;
    relay_.SetReaction([&asked, reactions](const SeenRequest&) { return reactions.at(static_cast<size_t>(asked++)); });
    return HttpClient(context_, {.retries = 2}).Send({.url = relay_.url()}).status;
  };
  EXPECT_EQ(answers({Says(503), {.kind = Kind::kCut}, Says(200)}), 200);
  EXPECT_EQ(answers({Says(500), Says(500), Says(429)}), 429);
  EXPECT_EQ(answers({Says(403)}), 403);
  EXPECT_EQ(answers({Says(404)}), 404);
  EXPECT_EQ(asked, 1);
}

TEST_F(HttpClientTest, AnAnswerThatIsCutOffAnywhereIsNone) {
  for (const char* body : {"", "a body"}) {
    relay_.SetReaction([&](const SeenRequest&) {
      return Reaction{
          .kind = Kind::kCutAnswer, .status = 200, .headers = {{"ETag", "1"}, {"X-Other", "2"}}, .body = body};
    });
    HttpClient client(context_, {});
    EXPECT_EQ(testing::CodeOf([&] { client.Send({.url = relay_.url()}); }), ErrorCode::kUnreachable) << body;
  }
}

TEST_F(HttpClientTest, NoAnswerIsUnreachable) {
  relay_.SetReaction([](const SeenRequest&) { return Reaction{.kind = Kind::kHang}; });
  HttpClient patient(context_, {.stall_s = 1});
  EXPECT_EQ(testing::CodeOf([&] { patient.Send({.url = relay_.url()}); }), ErrorCode::kUnreachable);
  int closed_port = 0;
  {
    const HttpRelay gone(0);
    closed_port = gone.port();
  }
  // What was never reached is not tried again: it would take half a minute.
  HttpClient client(context_, {.retries = 8});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(testing::CodeOf([&] { client.Send({.url = "http://127.0.0.1:" + std::to_string(closed_port)}); }),
            ErrorCode::kUnreachable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST_F(HttpClientTest, AnInterruptEndsARequestAtOnce) {
  relay_.SetReaction([&](const SeenRequest&) {
    interrupt_.Request();
    return Reaction{.kind = Kind::kHang};
  });
  HttpClient client(context_, {.stall_s = 60, .retries = 8});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(testing::CodeOf([&] { client.Send({.url = relay_.url()}); }), ErrorCode::kInterrupted);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST_F(HttpClientTest, AnAnswerThatIsTooLongIsNotTaken) {
  relay_.SetReaction([](const SeenRequest&) { return Says(200, std::string(1000, 'x')); });
  HttpClient client(context_, {.retries = 8});
  EXPECT_EQ(client.Send({.url = relay_.url(), .most_bytes = 1000}).body.size(), 1000u);
  EXPECT_EQ(testing::CodeOf([&] { client.Send({.url = relay_.url(), .most_bytes = 999}); }), ErrorCode::kCorrupt);
}

TEST_F(HttpClientTest, OnlyAWebServerMayRedirectAndOnlyToHttps) {
  std::string to;
  relay_.SetReaction([&](const SeenRequest&) {
    return Reaction{.kind = Kind::kAnswer, .status = 307, .headers = {{"Location", to}}};
  });
  HttpClient client(context_, {});
  const Request service{.url = relay_.url() + "/old", .headers = {"x-aws-ec2-metadata-token: secret"}};
  Request web_server = service;
  web_server.from = Request::From::kWebServer;
  for (const std::string& place : {relay_.url() + "/new", std::string("https://127.0.0.1:1/new")}) {
    to = place;
    EXPECT_EQ(client.Send(service).status, 307);
  }
  relay_.TakeSeen();
  EXPECT_EQ(testing::CodeOf([&] { client.Send(web_server); }), ErrorCode::kUnreachable);  // It was followed.
  to = relay_.url() + "/new";
  EXPECT_EQ(testing::CodeOf([&] { client.Send(web_server); }), ErrorCode::kProtocol);
  EXPECT_EQ(relay_.TakeSeen().size(), 2u);
}

TEST_F(HttpClientTest, OnlyAWebServerGetsTheLoginOfNetrc) {
  const testing::TempDir home;
  testing::WriteFile(home / ".netrc", "machine 127.0.0.1 login ada password s3cret\n");
  const char* const set = std::getenv("HOME");
  const std::string former = set == nullptr ? "" : set;
  setenv("HOME", home.path().c_str(), 1);
  relay_.SetReaction([](const SeenRequest&) { return Says(200); });
  HttpClient client(context_, {});
  client.Send({.url = relay_.url()});
  client.Send({.url = relay_.url(), .from = Request::From::kWebServer});
  setenv("HOME", former.c_str(), 1);
  const std::vector<SeenRequest> seen = relay_.TakeSeen();
  EXPECT_EQ(seen.at(0).headers.count("authorization"), 0u);
  EXPECT_EQ(seen.at(1).headers.count("authorization"), 1u);
}

TEST_F(HttpClientTest, ASignedRequestHasWhatWasSigned) {
  const Signature signature{.access_key = "key", .secret_key = "secret", .session_token = "token", .region = "here"};
  relay_.SetReaction([](const SeenRequest&) { return Says(200); });
  HttpClient client(context_, {});
  client.Send({.url = relay_.url(), .headers = {"x-amz-content-sha256: abc"}, .signature = &signature});
  const SeenRequest seen = relay_.TakeSeen().at(0);
  EXPECT_THAT(seen.headers.at("authorization"), ::testing::HasSubstr("/here/s3/aws4_request"));
  EXPECT_THAT(seen.headers.at("authorization"), ::testing::HasSubstr("x-amz-security-token"));
  EXPECT_EQ(seen.headers.at("x-amz-security-token"), "token");
}

TEST_F(HttpClientTest, AnAddressWithALoginIsNotAsked) {
  relay_.SetReaction([](const SeenRequest&) { return Says(200); });
  HttpClient client(context_, {});
  const Error error =
      testing::ErrorOf([&] { client.Send({.url = "http://name:s3cret@127.0.0.1:" + std::to_string(relay_.port())}); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_EQ(std::string(error.what()).find("s3cret"), std::string::npos);
  EXPECT_TRUE(relay_.TakeSeen().empty());
}

TEST_F(HttpClientTest, AProxyThatRefusesIsNamed) {
  relay_.SetReaction([](const SeenRequest& request) { return Says(request.method == "CONNECT" ? 407 : 500); });
  setenv("https_proxy", relay_.url().c_str(), 1);
  unsetenv("no_proxy");
  HttpClient client(context_, {.retries = 8});
  const Error error = testing::ErrorOf([&] { client.Send({.url = "https://s3.example.org/x"}); });
  unsetenv("https_proxy");
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("the proxy does not let this machine reach s3.example.org"));
  EXPECT_THAT(error.hint(), ::testing::HasSubstr("name:password@proxy"));
}

TEST_F(HttpClientTest, AProxyInTroubleIsAskedAgain) {
  int asked = 0;
  relay_.SetReaction([&](const SeenRequest&) { return Says(++asked == 1 ? 503 : 403); });
  setenv("https_proxy", relay_.url().c_str(), 1);
  unsetenv("no_proxy");
  HttpClient client(context_, {.retries = 1});
  const auto ask = [&] { client.Send({.url = "https://s3.example.org/x"}); };
  EXPECT_EQ(testing::CodeOf(ask), ErrorCode::kRefused);
  EXPECT_EQ(asked, 2);
  relay_.SetReaction([](const SeenRequest&) { return Says(502); });
  EXPECT_EQ(testing::CodeOf(ask), ErrorCode::kUnreachable);
  unsetenv("https_proxy");
}

TEST(HttpFailureTest, WhatMayPassDependsOnWhatWasReached) {
  struct Case {
    Failure failure;
    bool may_pass;
    ErrorCode code;
  };
  const Case cases[] = {
      {{.code = CURLE_OPERATION_TIMEDOUT}, false, ErrorCode::kUnreachable},
      {{.code = CURLE_OPERATION_TIMEDOUT, .is_connected = true}, true, ErrorCode::kUnreachable},
      {{.code = CURLE_OPERATION_TIMEDOUT, .was_reached = true}, true, ErrorCode::kUnreachable},
      {{.code = CURLE_SSL_CONNECT_ERROR, .is_connected = true}, false, ErrorCode::kRefused},
      {{.code = CURLE_SSL_CONNECT_ERROR, .was_reached = true}, true, ErrorCode::kUnreachable},
      {{.code = CURLE_COULDNT_RESOLVE_HOST}, false, ErrorCode::kUnreachable},
      {{.code = CURLE_COULDNT_RESOLVE_HOST, .was_reached = true}, true, ErrorCode::kUnreachable},
      {{.code = CURLE_PEER_FAILED_VERIFICATION, .was_reached = true}, false, ErrorCode::kRefused},
      {{.code = CURLE_RECV_ERROR, .proxy_status = 403, .is_connected = true}, false, ErrorCode::kRefused},
      {{.code = CURLE_RECV_ERROR, .proxy_status = 504, .is_connected = true}, true, ErrorCode::kUnreachable},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(MayPass(one.failure), one.may_pass) << ErrorOf(one.failure).what();
    EXPECT_EQ(ErrorOf(one.failure).code(), one.code) << ErrorOf(one.failure).what();
  }
}

TEST(HttpTextTest, AddressesAreReadAndTextsEncoded) {
  for (const char* url : {"http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:9/", "http://127.9.9.9"}) {
    EXPECT_TRUE(IsLoopback(url)) << url;
  }
  for (const char* url : {"http://127.0.0.1.example.org/", "http://localhost.example.org/", "http://10.0.0.1/",
                          "http://127.0.0.1:x@evil/", "http://localhost@evil/", "http://127.0.0.1\\@evil/"}) {
    EXPECT_FALSE(IsLoopback(url)) << url;
  }
  EXPECT_EQ(HostOf("https://s3.example.org:9000/a/b?c"), "s3.example.org:9000");
  EXPECT_EQ(PercentEncode("a b=/ü~", "/"), "a%20b%3D/%C3%BC~");
}

}  // namespace
}  // namespace rotv::http
