#include "sync/remote/web_place.h"

#include <fmt/format.h>

#include <utility>

#include "storage/error.h"
#include "sync/http/http_client.h"
#include "sync/remote/head_cache.h"
#include "sync/remote/relative_part.h"

namespace rotv::remote {
namespace {

class WebPlace : public RemotePlace {
 public:
  WebPlace(const std::string& url, const std::string& query, const Context& context)
      : base_(Base(url)),
        query_(query.empty() ? "" : "?" + query),
        client_(context, http::LimitsOf(context)),
        cache_(base_) {}

  const std::string& description() const override { return base_; }

  void KeepHeadIn(const std::filesystem::path& file) override { cache_.UseFile(file); }

  std::optional<std::string> ReadHead() override {
    http::Request request{.url = UrlOf("head"),
                          .headers = {"Cache-Control: no-cache"},
                          .most_bytes = kMostHeadBytes,
                          .from = http::Request::From::kWebServer};
    const std::string tag = cache_.TagToAskBy();
    if (!tag.empty()) request.headers.push_back("If-None-Match: " + tag);
    http::Answer answer = client_.Send(request);
    if (answer.status == 304 && !tag.empty()) return cache_.known().bytes;
    if (answer.status == 404) {
      cache_.Clear();
      return std::nullopt;
    }
    if (answer.status != 200) throw Refusal(answer);
    cache_.Set({.tag = answer.Header("etag"), .bytes = std::move(answer.body)});
    return cache_.known().bytes;
  }

  std::string ReadObject(const std::string& name, uint64_t bytes) override {
    http::Answer answer = client_.Send({.url = UrlOf("objects/" + name),
                                        .most_bytes = bytes + http::kMostErrorBytes,
                                        .from = http::Request::From::kWebServer});
    if (answer.status != 200 && answer.status != 404) throw Refusal(answer);
    if (answer.status == 200 && answer.body.size() == bytes) return std::move(answer.body);
    throw Error(ErrorCode::kCorrupt,
                fmt::format("the remote {} {} the object {}", base_,
                            answer.status == 404 ? "lacks" : "has another content for", name),
                "pull again: what is published may just be on its way there; if it stays, copy it there once more");
  }

  bool ReplaceHead(const std::optional<std::string>&, std::string_view) override { ThrowReadOnly(); }
  bool KeepObject(const std::string&) override { ThrowReadOnly(); }
  void WriteObject(const std::string&, std::string_view) override { ThrowReadOnly(); }
  std::vector<Listed> ListObjects() override { ThrowReadOnly(); }
  bool RemoveObject(const std::string&) override { ThrowReadOnly(); }

 private:
  static std::string Base(const std::string& url) {
    std::string base = url;
    while (base.ends_with('/')) base.pop_back();
    return base;
  }

  std::string UrlOf(const std::string& name) const { return base_ + "/" + name + query_; }

  Error Refusal(const http::Answer& answer) const {
    if (answer.status == 401 || answer.status == 403 || answer.status == 407) {
      return {ErrorCode::kRefused, fmt::format("{} may not be read (it answers {})", base_, answer.status),
              "a name and a password for it belong in ~/.netrc; an address with a signature may have expired"};
    }
    if (http::IsTransient(answer)) {
      return {ErrorCode::kUnreachable, fmt::format("{} cannot answer now ({})", base_, answer.status),
              "run it again later: what was done is kept"};
    }
    return {ErrorCode::kProtocol, fmt::format("{} answers {}", base_, answer.status), "check the url in rotv.toml"};
  }

  [[noreturn]] static void ThrowReadOnly() { throw Error(ErrorCode::kBug, "a web server's remote cannot be written"); }

  const std::string base_;
  const std::string query_;  // With its '?'; or empty. It may be a secret.
  http::HttpClient client_;
  HeadCache cache_;
};

}  // namespace

std::unique_ptr<RemotePlace> OpenWeb(const std::string& url, const std::string& query, const Context& context) {
  if (HasRelativePart(url)) {
    throw Error(ErrorCode::kUsage, fmt::format("\"{}\" has a \".\" or \"..\" in its path", url),
                "give the address as the web server has it");
  }
  return std::make_unique<WebPlace>(url, query, context);
}

}  // namespace rotv::remote
