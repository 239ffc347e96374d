#include "sync/remote/conditional_write.h"

#include <fmt/format.h>

#include "os/random_text.h"
#include "storage/error.h"

namespace rotv::remote {
namespace {

class Probe {
 public:
  explicit Probe(S3Client& client)
      : client_(client), url_(client.address().UrlOf("probe-" + os::RandomText(os::kHexDigits, 16))) {}

  MatchForm Run() {
    const http::Answer first = Put("If-None-Match: *");
    if (first.status != 200) Refuse(first);
    const std::string tag = first.Header("etag");
    if (!IsHeld(Put("If-None-Match: *")) || !IsHeld(Put("If-Match: \"00000000000000000000000000000000\""))) {
      ThrowIgnored();
    }
    for (const MatchForm form : {MatchForm::kQuoted, MatchForm::kBare}) {
      if (Put(ConditionFor(tag, form)).status == 200) return form;
    }
    ThrowIgnored();
  }

  void Remove() { client_.Send({.method = "DELETE", .url = url_}); }

 private:
  http::Answer Put(const std::string& condition) {
    return client_.Send({.method = "PUT", .url = url_, .headers = {condition}, .body = "a test"});
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
  const std::string url_;
};

}  // namespace

MatchForm ProbeConditionalWrites(S3Client& client) {
  Probe probe(client);
  try {
    const MatchForm form = probe.Run();
    probe.Remove();
    return form;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kUsage) probe.Remove();
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
