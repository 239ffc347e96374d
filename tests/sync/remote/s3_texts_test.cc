// What is read of an S3 store's answers and of AWS's files, and the addresses that are made of a url: all pure.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/error.h"
#include "sync/remote/aws_credentials.h"
#include "sync/remote/aws_profile.h"
#include "sync/remote/conditional_write.h"
#include "sync/remote/s3_address.h"
#include "sync/remote/s3_error.h"
#include "sync/remote/s3_xml.h"
#include "tests/support/files/thrown.h"

namespace rotv::remote {
namespace {

using testing::CodeOf;
using testing::ErrorOf;
using ::testing::HasSubstr;
using ::testing::Not;

S3Address Address(const std::string& url = "s3://bucket/prefix", S3Options options = {}) {
  if (options.region.empty()) options.region = "eu-west-1";
  return {url, options};
}

TEST(S3AddressTest, TheBucketIsInThePathOrInTheName) {
  EXPECT_EQ(Address("s3://bucket/a/b/").UrlOf("head"), "https://bucket.s3.eu-west-1.amazonaws.com/a/b/head");
  EXPECT_EQ(Address("s3://bucket").UrlOf("head"), "https://bucket.s3.eu-west-1.amazonaws.com/head");
  EXPECT_EQ(Address("s3://my.bucket/p").UrlOf("head"), "https://s3.eu-west-1.amazonaws.com/my.bucket/p/head");
  EXPECT_EQ(Address("s3://bucket/p", {.region = "cn-north-1"}).UrlOf("head"),
            "https://bucket.s3.cn-north-1.amazonaws.com.cn/p/head");
  const std::string own = "https://s3.example.org:9000/";
  EXPECT_EQ(Address("s3://bucket/p", {.endpoint = own}).UrlOf("head"), "https://s3.example.org:9000/bucket/p/head");
  EXPECT_EQ(Address("s3://bucket/p", {.endpoint = own, .path_style = false}).UrlOf("head"),
            "https://bucket.s3.example.org:9000/p/head");
  EXPECT_EQ(Address("s3://bucket/a b=ü").UrlOf("head"),
            "https://bucket.s3.eu-west-1.amazonaws.com/a%20b%3D%C3%BC/head");
  EXPECT_EQ(Address("s3://bucket/a/").description(), "s3://bucket/a");
}

TEST(S3AddressTest, WhatIsNoAddressIsRefused) {
  for (const char* url : {"s3://", "s3:///x", "s3://b", "s3://bu cket/x", "s3://bucket?x", "s3://bucket//x",
                          "s3://bucket/../other/x", "s3://bucket/a/./b", "s3://bucket/..", "s3://bucket/a/%2e%2E/b"}) {
    EXPECT_EQ(CodeOf([&] { Address(url); }), ErrorCode::kUsage) << url;
  }
  for (const char* endpoint : {"http://s3.example.org", "s3.example.org", "https://", "https://k:s@s3.example.org"}) {
    EXPECT_EQ(CodeOf([&] { Address("s3://bucket/x", {.endpoint = endpoint}); }), ErrorCode::kUsage) << endpoint;
  }
  EXPECT_EQ(Address("s3://bucket/x", {.endpoint = "http://127.0.0.1:9000"}).bucket(), "bucket");
  EXPECT_EQ(Address("s3://bucket/...a/b.c/.d").description(), "s3://bucket/...a/b.c/.d");
}

TEST(S3AddressTest, SecretsInAnAddressAreNotShown) {
  for (const char* url : {"s3://KEY:s3cret@bucket/x", "s3://KEY:s3cret/more@bucket/x", "s3://KEY:s3cret",
                          "s3://bucket/x?signature=s3cret"}) {
    const Error error = ErrorOf([&] { Address(url); });
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_THAT(error.what() + error.hint(), Not(HasSubstr("s3cret")));
  }
  for (const char* endpoint : {"https://k:s3cret@s3.example.org", "http://127.0.0.1:s3cret@evil.example.org",
                               "https://s3.example.org?s3cret"}) {
    const Error error = ErrorOf([&] { Address("s3://bucket/x", {.endpoint = endpoint}); });
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_THAT(error.what() + error.hint(), Not(HasSubstr("s3cret")));
  }
}

http::Answer Says(int status, const std::string& code, std::map<std::string, std::string> headers = {},
                  const std::string& more = "") {
  return {.status = status,
          .body = code.empty() ? "" : "<Error><Code>" + code + "</Code>" + more + "</Error>",
          .headers = std::move(headers)};
}

TEST(S3ErrorTest, EachAnswerHasACodeAndAWayOut) {
  struct Case {
    http::Answer answer;
    ErrorCode code;
    const char* words;  // Of the message or the hint.
  };
  const Case cases[] = {
      {Says(404, "NoSuchBucket"), ErrorCode::kUsage, "there is no bucket bucket"},
      {Says(403, "AccessDenied"), ErrorCode::kRefused, "may not read the head"},
      {Says(403, ""), ErrorCode::kRefused, "may not read the head"},
      {Says(403, "InvalidAccessKeyId"), ErrorCode::kRefused, "does not know the access key"},
      {Says(403, "SignatureDoesNotMatch"), ErrorCode::kRefused, "secret key"},
      {Says(403, "RequestTimeTooSkewed", {{"date", "Mon, 30 Nov 2020 16:37:53 GMT"}}), ErrorCode::kRefused,
       "timedatectl"},
      {Says(400, "ExpiredToken"), ErrorCode::kRefused, "have expired"},
      {Says(403, "ExpiredToken"), ErrorCode::kRefused, "have expired"},
      {Says(400, "InvalidToken"), ErrorCode::kRefused, "session token"},
      {Says(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-north-1"}}), ErrorCode::kUsage,
       "region = \"eu-north-1\""},
      {Says(400, "AuthorizationHeaderMalformed", {}, "<Region>eu-north-1</Region>"), ErrorCode::kUsage,
       "region = \"eu-north-1\""},
      {Says(503, "SlowDown"), ErrorCode::kUnreachable, "too many requests"},
      {Says(500, "InternalError"), ErrorCode::kUnreachable, "in trouble"},
      {Says(502, ""), ErrorCode::kUnreachable, "in trouble"},
      {Says(400, "BadDigest"), ErrorCode::kUnreachable, "damaged on the way"},
      {Says(501, "NotImplemented"), ErrorCode::kProtocol, "cannot read the head"},
      {Says(403, "QuotaExceeded"), ErrorCode::kRefused, "quota"},
      {Says(418, "Teapot"), ErrorCode::kProtocol, "418 Teapot"},
  };
  for (const Case& one : cases) {
    const Error error = S3Error(one.answer, Address(), "read the head");
    EXPECT_EQ(error.code(), one.code) << one.answer.body;
    EXPECT_THAT(error.what() + (" " + error.hint()), HasSubstr(one.words));
    EXPECT_FALSE(error.hint().empty());
  }
  EXPECT_TRUE(IsTransientS3(Says(400, "RequestTimeout")));
  EXPECT_TRUE(IsTransientS3(Says(503, "SlowDown")));
  EXPECT_FALSE(IsTransientS3(Says(501, "NotImplemented")));
  EXPECT_FALSE(IsTransientS3(Says(403, "AccessDenied")));
}

TEST(S3ErrorTest, ACopyMayFailAfterItsAnswerHasBegun) {
  struct Case {
    const char* code;
    int status;
    bool is_transient;
  };
  for (const Case& one : {Case{"InternalError", 500, true}, Case{"SlowDown", 500, true},
                          Case{"AccessDenied", 403, false}, Case{"NoSuchKey", 404, false}}) {
    const http::Answer answer = AnswerOfCopy(Says(200, one.code));
    EXPECT_EQ(answer.status, one.status) << one.code;
    EXPECT_EQ(IsTransientS3(answer), one.is_transient) << one.code;
    EXPECT_EQ(S3Code(answer), one.code);
  }
  EXPECT_EQ(AnswerOfCopy({.status = 200, .body = "<CopyObjectResult/>"}).status, 200);
}

TEST(S3XmlTest, ListsAreRead) {
  const std::string list =
      "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><IsTruncated>true</IsTruncated>"
      "<Contents><Key>a&amp;b/objects/1</Key><LastModified>2026-11-30T16:37:53.123Z</LastModified><Size>12</Size>"
      "</Contents><Contents><Size>0</Size><Key>c</Key><LastModified>1970-01-01T00:00:01Z</LastModified></Contents>"
      "<NextContinuationToken>x=/</NextContinuationToken></ListBucketResult>";
  const std::optional<KeyList> parsed = ParseKeyList(list);
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->keys.size(), 2u);
  EXPECT_EQ(parsed->keys[0].key, "a&b/objects/1");
  EXPECT_EQ(parsed->keys[0].bytes, 12u);
  EXPECT_EQ(parsed->keys[0].modified_s, ParseTime("Mon, 30 Nov 2026 16:37:53 GMT"));
  EXPECT_EQ(parsed->keys[1].modified_s, 1);
  EXPECT_EQ(parsed->next, "x=/");
  EXPECT_FALSE(ParseKeyList("<html>"));
  // Whatever is cut off, it is a list or none.
  for (size_t size = 0; size < list.size(); ++size) (void)ParseKeyList(std::string_view(list).substr(0, size));
}

TEST(AwsProfileTest, SectionsAreRead) {
  const std::string text =
      "# a comment\n[default]\naws_access_key_id=A\r\n; another\nregion = eu-west-1\n[profile team]\n"
      "s3 =\n  endpoint_url = https://nested\nendpoint_url = https://own\ncredential_process = p --a=b\n";
  AwsProfile profile;
  EXPECT_TRUE(AddSection(text, "default", &profile));
  EXPECT_EQ(profile, (AwsProfile{{"aws_access_key_id", "A"}, {"region", "eu-west-1"}}));
  EXPECT_TRUE(AddSection(text, "profile team", &profile));
  EXPECT_EQ(profile.at("credential_process"), "p --a=b");
  EXPECT_EQ(profile.at("endpoint_url"), "https://own");
  EXPECT_FALSE(AddSection(text, "team", &profile));
  EXPECT_FALSE(AddSection("[", "team", &profile));
  EXPECT_FALSE(AddSection("", "team", &profile));
}

TEST(AwsCredentialsTest, WhatProcessesAndRolesAnswerIsRead) {
  const AwsCredentials role = ParseCredentials(
      R"({"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T", "Expiration": "1970-01-01T00:01:00Z"})", "a role");
  EXPECT_EQ(role.session_token, "T");
  EXPECT_EQ(role.expires_s, 60);
  const AwsCredentials forever = ParseCredentials(R"({"AccessKeyId": "A", "SecretAccessKey": "S"})", "a role");
  EXPECT_FALSE(forever.expires_s);
  for (const char* text : {"", "[]", "null", "{\"AccessKeyId\": 1}", "{\"AccessKeyId\": \"A\"}", "{"}) {
    EXPECT_EQ(CodeOf([&] { ParseCredentials(text, "a role"); }), ErrorCode::kRefused) << text;
  }
}

TEST(ConditionalWriteTest, TheConditionIsAsTheStoreWantsIt) {
  EXPECT_EQ(ConditionFor("", MatchForm::kQuoted), "If-None-Match: *");
  EXPECT_EQ(ConditionFor("\"12\"", MatchForm::kQuoted), "If-Match: \"12\"");
  EXPECT_EQ(ConditionFor("\"12\"", MatchForm::kBare), "If-Match: 12");
  const std::string kept = MatchHeaderValue(Address(), MatchForm::kBare);
  EXPECT_EQ(ParseMatchHeader(kept, Address()), MatchForm::kBare);
  EXPECT_EQ(ParseMatchHeader(kept, Address("s3://bucket/elsewhere")), std::nullopt);
  EXPECT_EQ(ParseMatchHeader("", Address()), std::nullopt);
}

}  // namespace
}  // namespace rotv::remote
