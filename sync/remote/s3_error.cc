#include "sync/remote/s3_error.h"

#include <fmt/format.h>

#include <cstdlib>

#include "os/clock.h"
#include "sync/remote/s3_xml.h"

namespace rotv::remote {
namespace {

enum class Again { kNo, kYes };

struct Row {
  int status;        // 0: any.
  const char* code;  // Empty: any.
  Again again;
  ErrorCode error;
  // {place} s3://bucket/prefix, {bucket}, {host} of the endpoint, {action}, {region} ours, {theirs}, {off} of our
  // clock.
  const char* message;
  const char* hint;
};

constexpr const char* kRights =
    "the rights that a publisher and a follower need are in docs/remotes.md; AWS says the same where there is no such "
    "object and the key may not list";
constexpr const char* kRegion = "set region = \"{theirs}\" in rotv.toml, beside the remote's url";
constexpr const char* kLater = "run it again later: what was done is kept";

// The first row that fits counts. Codes: Amazon S3 API Reference, "Error responses".
constexpr Row kRows[] = {
    {404, "NoSuchBucket", Again::kNo, ErrorCode::kUsage, "there is no bucket {bucket} at {host}",
     "make it, or correct the remote's url (and endpoint) in rotv.toml"},
    {0, "InvalidBucketName", Again::kNo, ErrorCode::kUsage, "no bucket can be called {bucket}",
     "correct the remote's url in rotv.toml"},
    {301, "", Again::kNo, ErrorCode::kUsage, "the bucket {bucket} is not in the region {region}", kRegion},
    {307, "", Again::kNo, ErrorCode::kUsage, "the bucket {bucket} is not in the region {region} yet", kRegion},
    {400, "AuthorizationHeaderMalformed", Again::kNo, ErrorCode::kUsage,
     "the bucket {bucket} is not in the region {region}", kRegion},
    {400, "IllegalLocationConstraintException", Again::kNo, ErrorCode::kUsage,
     "the bucket {bucket} is not in the region {region}", kRegion},
    {403, "RequestTimeTooSkewed", Again::kNo, ErrorCode::kRefused,
     "{host} takes no request from a clock that is off, and this machine's is off by {off} s",
     "set the clock: timedatectl set-ntp true"},
    {0, "RequestExpired", Again::kNo, ErrorCode::kRefused,
     "{host} takes no request from a clock that is off, and this machine's is off by {off} s",
     "set the clock: timedatectl set-ntp true"},
    {0, "ExpiredToken", Again::kNo, ErrorCode::kRefused, "the credentials for {place} have expired",
     "get new ones (aws sso login, or a new AWS_SESSION_TOKEN), then run it again"},
    {0, "TokenRefreshRequired", Again::kNo, ErrorCode::kRefused, "the credentials for {place} have expired",
     "get new ones (aws sso login, or a new AWS_SESSION_TOKEN), then run it again"},
    {0, "InvalidToken", Again::kNo, ErrorCode::kRefused, "{host} does not know the session token",
     "AWS_SESSION_TOKEN belongs to AWS_ACCESS_KEY_ID: set all three again, or unset it"},
    {0, "InvalidAccessKeyId", Again::kNo, ErrorCode::kRefused, "{host} does not know the access key",
     "check AWS_ACCESS_KEY_ID, AWS_PROFILE and the endpoint in rotv.toml"},
    {0, "SignatureDoesNotMatch", Again::kNo, ErrorCode::kRefused,
     "{host} says that the secret key is not that of the access key",
     "check AWS_SECRET_ACCESS_KEY or the profile; a proxy that changes requests does this, too"},
    {0, "AllAccessDisabled", Again::kNo, ErrorCode::kRefused, "{host} has closed the bucket {bucket}", kRights},
    {0, "QuotaExceeded", Again::kNo, ErrorCode::kRefused, "the quota of {place} is used up",
     "raise it, or lower keep_days in [remotes]"},
    {403, "", Again::kNo, ErrorCode::kRefused, "{place}: the credentials may not {action}", kRights},
    {401, "", Again::kNo, ErrorCode::kRefused, "{place}: the credentials may not {action}", kRights},
    {0, "RequestTimeout", Again::kYes, ErrorCode::kUnreachable, "{host} did not get all of a request in time", kLater},
    {0, "BadDigest", Again::kYes, ErrorCode::kUnreachable, "what was sent to {host} was damaged on the way", kLater},
    {0, "XAmzContentSHA256Mismatch", Again::kYes, ErrorCode::kUnreachable,
     "what was sent to {host} was damaged on the way", kLater},
    {0, "XAmzContentChecksumMismatch", Again::kYes, ErrorCode::kUnreachable,
     "what was sent to {host} was damaged on the way", kLater},
    {0, "SlowDown", Again::kYes, ErrorCode::kUnreachable, "{host} has too many requests to answer this one", kLater},
    {501, "", Again::kNo, ErrorCode::kProtocol, "{host} cannot {action}", "use a store that is like S3 in this, too"},
    {404, "NoSuchKey", Again::kNo, ErrorCode::kCorrupt, "{place} lacks what was to be used to {action}",
     "run it again: another publisher may have removed it"},
    {507, "", Again::kNo, ErrorCode::kRefused, "{host} is full", "make room there"},
};

const Row* Find(const http::Answer& answer, const std::string& code) {
  for (const Row& row : kRows) {
    if ((row.status == 0 || row.status == answer.status) && (row.code[0] == '\0' || row.code == code)) return &row;
  }
  return nullptr;
}

std::string TheirRegion(const http::Answer& answer) {
  const std::string header = answer.Header("x-amz-bucket-region");
  const std::string region = header.empty() ? XmlText(answer.body, "Region") : header;
  return region.empty() ? "the bucket's" : region;
}

int64_t SecondsOff(const http::Answer& answer) {
  const std::optional<int64_t> theirs = ParseTime(answer.Header("date"));
  return theirs ? std::abs(os::NowMicroseconds() / 1'000'000 - *theirs) : 0;
}

}  // namespace

std::string S3Code(const http::Answer& answer) { return answer.status < 300 ? "" : XmlText(answer.body, "Code"); }

http::Answer AnswerOfCopy(http::Answer answer) {
  if (answer.status != 200 || answer.body.find("<Error") == std::string::npos) return answer;
  const std::string code = XmlText(answer.body, "Code");
  answer.status = code == "AccessDenied" ? 403 : code == "NoSuchKey" ? 404 : 500;
  return answer;
}

bool IsTransientS3(const http::Answer& answer) {
  if (answer.status < 300) return false;
  const Row* row = Find(answer, S3Code(answer));
  return row == nullptr ? http::IsTransient(answer) : row->again == Again::kYes;
}

Error S3Error(const http::Answer& answer, const S3Address& address, const std::string& action) {
  const std::string code = S3Code(answer);
  const auto filled = [&](const char* text) {
    return fmt::format(fmt::runtime(text), fmt::arg("place", address.description()),
                       fmt::arg("bucket", address.bucket()), fmt::arg("host", http::HostOf(address.endpoint())),
                       fmt::arg("action", action), fmt::arg("region", address.region()),
                       fmt::arg("theirs", TheirRegion(answer)), fmt::arg("off", SecondsOff(answer)));
  };
  const std::string answered = fmt::format(" ({}{}{})", answer.status, code.empty() ? "" : " ", code);
  if (const Row* row = Find(answer, code)) return {row->error, filled(row->message) + answered, filled(row->hint)};
  if (http::IsTransient(answer)) return {ErrorCode::kUnreachable, filled("{host} is in trouble") + answered, kLater};
  return {ErrorCode::kProtocol, filled("{host} could not {action}") + answered,
          "check url and endpoint in rotv.toml: is it an S3 store?"};
}

}  // namespace rotv::remote
