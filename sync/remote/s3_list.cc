#include "sync/remote/s3_list.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

#include "os/clock.h"
#include "storage/error.h"
#include "sync/remote/s3_xml.h"

namespace rotv::remote {
namespace {

constexpr uint64_t kMostListBytes = uint64_t{8} << 20;  // A thousand keys.

[[noreturn]] void ThrowNoList(const S3Address& address, const char* what) {
  throw Error(ErrorCode::kProtocol, fmt::format("{} answers a list {}", address.description(), what),
              "check url and endpoint in rotv.toml: is it an S3 store?");
}

}  // namespace

std::vector<S3Object> ListS3(S3Client& client, const std::string& prefix) {
  const S3Address& address = client.address();
  const std::string before = address.Key(prefix);
  std::vector<S3Object> objects;
  std::set<std::string> tokens;
  std::string next;
  do {
    // Sorted by name, as the signature wants it.
    const std::string token = next.empty() ? "" : "continuation-token=" + http::PercentEncode(next) + "&";
    const http::Answer answer =
        client.Send({.url = fmt::format("{}?{}delimiter=%2F&list-type=2&prefix={}", address.UrlOfBucket(), token,
                                        http::PercentEncode(before)),
                     .most_bytes = kMostListBytes});
    if (answer.status != 200) client.Fail(answer, "list objects");
    std::optional<KeyList> part = ParseKeyList(answer.body);
    if (!part) ThrowNoList(address, "with something else");
    const int64_t now_s = ParseTime(answer.Header("date")).value_or(os::NowMicroseconds() / 1'000'000);
    for (const ListedKey& key : part->keys) {
      if (!key.key.starts_with(before)) continue;
      std::string name = key.key.substr(before.size());
      if (name.find('/') != std::string::npos) continue;  // A store may not know delimiters.
      objects.push_back({.name = std::move(name), .bytes = key.bytes, .age_s = now_s - key.modified_s});
    }
    next = std::move(part->next);
    if (!next.empty() && !tokens.insert(next).second) ThrowNoList(address, "without an end");
  } while (!next.empty());
  return objects;
}

}  // namespace rotv::remote
