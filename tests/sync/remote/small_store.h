// A small S3 store of a test's own, for what a real one does not do: break a rule, or lose an answer when it is told
// to.

#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "os/environment.h"
#include "sync/context/context.h"
#include "tests/support/no_progress.h"
#include "tests/support/servers/http_relay.h"

namespace rotv::testing {

class SmallStore {
 public:
  enum class Conditions { kKept, kWithoutQuotes, kIfMatchIgnored };

  explicit SmallStore(Conditions conditions = Conditions::kKept) : conditions_(conditions), relay_(0) {
    SetFailure([](const SeenRequest&) { return Reaction(); });
  }

  // Asked for each request before it is done: kPass does it; kLoseAnswer does it, and closes the connection; all else
  // is the reaction itself.
  void SetFailure(HttpRelay::React failure) {
    relay_.SetReaction([this, failure = std::move(failure)](const SeenRequest& request) {
      Reaction reaction = failure(request);
      if (reaction.kind == Reaction::Kind::kPass) return Do(request);
      if (reaction.kind != Reaction::Kind::kLoseAnswer) return reaction;
      Do(request);
      return Reaction{.kind = Reaction::Kind::kCut};
    });
  }

  HttpRelay& relay() { return relay_; }
  // By their keys; changed between requests only.
  std::map<std::string, std::string>& objects() { return objects_; }
  std::string Tag(const std::string& key) const { return fmt::format("\"{}\"", writes_.at(key)); }

  static Reaction Says(int status, const std::string& code) {
    return {.kind = Reaction::Kind::kAnswer, .status = status, .body = "<Error><Code>" + code + "</Code></Error>"};
  }
  static bool IsList(const SeenRequest& request) { return request.target.find("list-type=2") != std::string::npos; }

 private:
  static Reaction Answer(int status, std::map<std::string, std::string> headers = {}, std::string body = "") {
    return {.kind = Reaction::Kind::kAnswer, .status = status, .headers = std::move(headers), .body = std::move(body)};
  }

  Reaction Do(const SeenRequest& request) {
    if (IsList(request)) return List(request.target);
    const std::string key = request.target.substr(std::string("/bucket/").size());
    if (request.method == "PUT") return Put(key, request);
    if (request.method == "DELETE") objects_.erase(key);
    if (request.method == "DELETE") return Answer(204);
    if (objects_.count(key) == 0) return Says(404, "NoSuchKey");
    const auto condition = request.headers.find("if-none-match");
    if (condition != request.headers.end() && condition->second == Tag(key)) return Answer(304);
    return Answer(200, {{"ETag", Tag(key)}}, objects_.at(key));
  }

  // Each write has a tag of its own, as with encryption: a write that is done twice changes it twice.
  Reaction Put(const std::string& key, const SeenRequest& request) {
    const bool is_there = objects_.count(key) > 0;
    if (request.headers.count("if-none-match") > 0 && is_there) return Says(412, "PreconditionFailed");
    const auto match = request.headers.find("if-match");
    if (match != request.headers.end() && conditions_ != Conditions::kIfMatchIgnored) {
      std::string tag = is_there ? Tag(key) : "";
      if (conditions_ == Conditions::kWithoutQuotes && is_there) tag = tag.substr(1, tag.size() - 2);
      if (match->second != tag) return Says(412, "PreconditionFailed");
    }
    objects_[key] = request.body;
    writes_[key] = ++count_;
    return Answer(200, {{"ETag", Tag(key)}});
  }

  // One key in each part.
  Reaction List(const std::string& target) {
    const auto parameter = [&](const std::string& name) -> std::string {
      const size_t begin = target.find(name + "=");
      if (begin == std::string::npos) return "";
      const size_t value = begin + name.size() + 1;
      std::string text = target.substr(value, target.find('&', value) - value);
      for (size_t slash = 0; (slash = text.find("%2F")) != std::string::npos;) text.replace(slash, 3, "/");
      return text;
    };
    const std::string prefix = parameter("prefix");
    const std::string token = parameter("continuation-token");
    std::string body = "<ListBucketResult>";
    for (auto next = objects_.upper_bound(token); next != objects_.end(); ++next) {
      const std::string& key = next->first;
      if (!key.starts_with(prefix)) continue;
      if (key.find('/', prefix.size()) != std::string::npos && !parameter("delimiter").empty()) continue;
      body += fmt::format(
          "<Contents><Key>{}</Key><LastModified>2020-01-01T00:00:00Z</LastModified><Size>{}</Size></Contents>"
          "<IsTruncated>true</IsTruncated><NextContinuationToken>{}</NextContinuationToken>",
          key, next->second.size(), key);
      break;
    }
    return Answer(200, {}, body + "</ListBucketResult>");
  }

  const Conditions conditions_;
  std::map<std::string, std::string> objects_;
  std::map<std::string, int> writes_;
  int count_ = 0;
  HttpRelay relay_;
};

}  // namespace rotv::testing
