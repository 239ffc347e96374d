#include "sync/remote/s3_place.h"

#include <fmt/format.h>

#include <utility>

#include "storage/error.h"
#include "sync/remote/conditional_write.h"
#include "sync/remote/head_cache.h"
#include "sync/remote/object_hash.h"
#include "sync/remote/s3_client.h"
#include "sync/remote/s3_error.h"
#include "sync/remote/s3_list.h"

// An S3 store has the same names as a directory: PREFIX/head, PREFIX/objects/HASH. There is no lock: the head is
// replaced by a write with a condition. An answer may be lost, and the request be sent again when it has been done
// already; so whether the head is ours is read, not concluded.

namespace rotv::remote {
namespace {

constexpr int kMostAttempts = 5;

class S3Place : public RemotePlace {
 public:
  S3Place(const std::string& url, S3Options options, const os::Environment& environment, const Context& context)
      : has_single_publisher_(options.single_publisher),
        client_(url, std::move(options), environment, context),
        cache_(client_.address().UrlOf("head")) {}

  const std::string& description() const override { return client_.address().description(); }

  void KeepHeadIn(const std::filesystem::path& file) override { cache_.UseFile(file); }

  std::optional<std::string> ReadHead() override {
    S3Client::Call call{.url = Url("head"), .most_bytes = kMostHeadBytes};
    const std::string tag = cache_.TagToAskBy();
    if (!tag.empty()) call.headers = {"If-None-Match: " + tag};
    http::Answer answer = client_.Send(call);
    if (answer.status == 304 && !tag.empty()) return cache_.known().bytes;
    match_form_ = ParseMatchHeader(answer.Header(kMatchHeader), client_.address());
    if (IsMissing(answer)) {
      cache_.Clear();
      return std::nullopt;
    }
    if (answer.status != 200) client_.Fail(answer, "read the head");
    cache_.Set({.tag = answer.Header("etag"), .bytes = std::move(answer.body)});
    return cache_.known().bytes;
  }

  bool ReplaceHead(const std::optional<std::string>& before, std::string_view head) override {
    if (has_single_publisher_) return ReplaceUnconditionally(before, head);
    if (!match_form_) match_form_ = ProbeConditionalWrites(client_);
    for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
      http::Answer answer = client_.Send({.method = "PUT",
                                          .url = Url("head"),
                                          .headers = {ConditionFor(cache_.known().tag, *match_form_), MatchHeader()},
                                          .body = head});
      if (answer.status == 200) return TakeAsKnown(answer, head);
      // 409: another write of it was under way. 404: it was there, and is gone.
      const bool has_changed = answer.status == 412 || answer.status == 409 || IsMissing(answer);
      if (!has_changed) client_.Fail(answer, "replace the head");
      const MatchForm form = *match_form_;
      const std::optional<std::string> now = ReadHead();
      match_form_ = form;
      if (now == head) return true;
      if (now != before) return false;
    }
    throw Error(ErrorCode::kUnreachable, fmt::format("{} does not replace the head, which is as it was", description()),
                "run it again; if it stays so, the store's conditional writes do not work");
  }

  std::string ReadObject(const std::string& name, uint64_t bytes) override {
    http::Answer answer = client_.Send({.url = ObjectUrl(name), .most_bytes = bytes + http::kMostErrorBytes});
    if (answer.status != 200 && !IsMissing(answer)) client_.Fail(answer, "read objects");
    if (answer.status == 200 && answer.body.size() == bytes) return std::move(answer.body);
    throw NotAsPublished(description(), answer.status == 200 ? "has another content for" : "lacks", name);
  }

  // A copy onto itself is as young as a new one.
  bool KeepObject(const std::string& name) override {
    const std::string key = client_.address().Key("objects/" + name);
    const http::Answer answer = client_.Send(
        {.method = "PUT",
         .url = ObjectUrl(name),
         .headers = {"x-amz-copy-source: /" + client_.address().bucket() + "/" + http::PercentEncode(key, "/"),
                     "x-amz-metadata-directive: REPLACE"},
         .is_copy = true});
    if (IsMissing(answer)) return false;
    if (answer.status != 200) client_.Fail(answer, "copy objects");
    return true;
  }

  void WriteObject(const std::string& name, std::string_view bytes) override {
    const http::Answer answer = client_.Send({.method = "PUT", .url = ObjectUrl(name), .body = bytes});
    if (answer.status != 200) client_.Fail(answer, "write objects");
  }

  // The place may be somebody else's, too, who has other things below the same name: they are not ours to list.
  std::vector<Listed> ListObjects() override {
    std::vector<Listed> listed;
    for (S3Object& object : ListS3(client_, "objects/")) {
      if (!IsObjectName(object.name)) continue;
      listed.push_back({.name = std::move(object.name), .bytes = object.bytes, .age_s = object.age_s});
    }
    return listed;
  }

  bool RemoveObject(const std::string& name) override {
    const http::Answer answer = client_.Send({.method = "DELETE", .url = ObjectUrl(name)});
    if (answer.status >= 300 && !IsMissing(answer)) {
      client_.Fail(answer, "remove objects that nobody needs any more");
    }
    return true;
  }

 private:
  std::string Url(const std::string& name) const { return client_.address().UrlOf(name); }
  std::string ObjectUrl(const std::string& name) const { return Url("objects/" + name); }
  std::string MatchHeader() const {
    return fmt::format("{}: {}", kMatchHeader, MatchHeaderValue(client_.address(), *match_form_));
  }

  static bool IsMissing(const http::Answer& answer) {
    const std::string code = S3Code(answer);
    return answer.status == 404 && (code == "NoSuchKey" || code.empty());
  }

  bool TakeAsKnown(const http::Answer& answer, std::string_view head) {
    cache_.Set({.tag = answer.Header("etag"), .bytes = std::string(head)});
    return true;
  }

  // Two of them would overwrite each other: whoever says that there is one knows.
  bool ReplaceUnconditionally(const std::optional<std::string>& before, std::string_view head) {
    if (ReadHead() != before) return false;
    const http::Answer answer = client_.Send({.method = "PUT", .url = Url("head"), .body = head});
    if (answer.status != 200) client_.Fail(answer, "replace the head");
    return TakeAsKnown(answer, head);
  }

  const bool has_single_publisher_;
  S3Client client_;
  HeadCache cache_;
  std::optional<MatchForm> match_form_;  // Nullopt: the head that was read does not say it.
};

}  // namespace

std::unique_ptr<RemotePlace> OpenS3(const std::string& url, S3Options options, const os::Environment& environment,
                                    const Context& context) {
  return std::make_unique<S3Place>(url, std::move(options), environment, context);
}

}  // namespace rotv::remote
