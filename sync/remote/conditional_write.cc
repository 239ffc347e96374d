#include "sync/remote/conditional_write.h"

#include <fmt/format.h>

#include <vector>

#include "os/random_text.h"
#include "storage/error.h"
#include "sync/remote/s3_list.h"

namespace rotv::remote {
namespace {

constexpr const char* kProbe = "probe-";
constexpr size_t kProbeDigits = 16;
constexpr int64_t kLongestProbeS = 3600;
constexpr int kMostProbeAttempts = 5;

// An answer may be lost, and the write be sent again when it has been done already. Then its condition does not hold
// any more, which says nothing about the store.
class Probe {
 public:
  explicit Probe(S3Client& client) : client_(client) {}

  MatchForm Run() {
    const std::string tag = MakeObject();
    if (!IsHeld(Put("If-None-Match: *")) || !IsHeld(Put("If-Match: \"00000000000000000000000000000000\""))) {
      ThrowIgnored();
    }
    for (const MatchForm form : {MatchForm::kQuoted, MatchForm::kBare}) {
      if (Put(ConditionFor(tag, form)).status == 200 || Tag() != tag) return form;
    }
    ThrowIgnored();
  }

  void Remove() {
    for (const std::string& url : urls_) client_.Send({.method = "DELETE", .url = url});
  }

 private:
  // Returns its tag.
  std::string MakeObject() {
    for (int attempt = 1;; ++attempt) {
      urls_.push_back(client_.address().UrlOf(kProbe + os::RandomText(os::kHexDigits, kProbeDigits)));
      const http::Answer answer = Put("If-None-Match: *");
      if (answer.status == 200) return answer.Header("etag");
      if (answer.status != 412 || attempt == kMostProbeAttempts) Refuse(answer);
    }
  }

  // 409: an earlier write of it is under way still.
  http::Answer Put(const std::string& condition) {
    for (int attempt = 1;; ++attempt) {
      http::Answer answer =
          client_.Send({.method = "PUT", .url = urls_.back(), .headers = {condition}, .body = "a test"});
      if (answer.status != 409 || attempt == kMostProbeAttempts) return answer;
    }
  }

  // Nobody else writes it: another tag than before is that of our own write.
  std::string Tag() {
    const http::Answer answer = client_.Send({.url = urls_.back()});
    if (answer.status != 200) client_.Fail(answer, "read an object");
    return answer.Header("etag");
  }

  bool IsHeld(const http::Answer& answer) {
    if (answer.status == 501) ThrowIgnored();
    if (answer.status != 200 && answer.status != 412) Refuse(answer);
    return answer.status == 412;
  }

  [[noreturn]] void Refuse(const http::Answer& answer) {
    if (answer.status == 501) ThrowIgnored();
    client_.Fail(answer, "write an object");
  }

  [[noreturn]] void ThrowIgnored() {
    throw Error(ErrorCode::kUsage,
                fmt::format("the store at {} has no conditional writes, so two publishers would not notice each other",
                            client_.address().endpoint()),
                "use a store that has them, or, if no other machine ever publishes there, set single_publisher = true "
                "in [remotes]");
  }

  S3Client& client_;
  std::vector<std::string> urls_;  // The last one is in use.
};

// What a run has left that was ended within its probe. Whoever may not list cannot do it, and need not.
void RemoveOldProbes(S3Client& client) {
  try {
    for (const S3Object& object : ListS3(client, kProbe)) {
      const bool is_probe =
          object.name.size() == kProbeDigits && object.name.find_first_not_of(os::kHexDigits) == std::string::npos;
      if (!is_probe || object.age_s < kLongestProbeS) continue;
      client.Send({.method = "DELETE", .url = client.address().UrlOf(kProbe + object.name)});
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kRefused && error.code() != ErrorCode::kProtocol) throw;
  }
}

// What it is thrown after counts more.
void RemoveIfPossible(Probe& probe) {
  try {
    probe.Remove();
  } catch (const Error&) {
  }
}

}  // namespace

MatchForm ProbeConditionalWrites(S3Client& client) {
  RemoveOldProbes(client);
  Probe probe(client);
  try {
    const MatchForm form = probe.Run();
    probe.Remove();
    return form;
  } catch (const Error& error) {
    const bool answers = error.code() != ErrorCode::kInterrupted && error.code() != ErrorCode::kUnreachable;
    if (answers) RemoveIfPossible(probe);  // Else a later run does it.
    throw;
  }
}

std::string ConditionFor(const std::string& tag, MatchForm form) {
  if (tag.empty()) return "If-None-Match: *";
  if (form == MatchForm::kQuoted || tag.size() < 2 || tag.front() != '"') return "If-Match: " + tag;
  return "If-Match: " + tag.substr(1, tag.size() - 2);
}

std::string MatchHeaderValue(const S3Address& address, MatchForm form) {
  return fmt::format("{} {}", form == MatchForm::kQuoted ? "quoted" : "bare", address.UrlOf("head"));
}

std::optional<MatchForm> ParseMatchHeader(const std::string& value, const S3Address& address) {
  for (const MatchForm form : {MatchForm::kQuoted, MatchForm::kBare}) {
    if (value == MatchHeaderValue(address, form)) return form;
  }
  return std::nullopt;
}

}  // namespace rotv::remote
