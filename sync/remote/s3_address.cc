#include "sync/remote/s3_address.h"

#include <fmt/format.h>

#include "storage/error.h"
#include "sync/http/http_client.h"

namespace rotv::remote {
namespace {

constexpr std::string_view kKeptInPath = "/";  // S3 signs the path with everything else encoded, "=" too.

bool IsBucketName(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return name.size() >= 3 && name.size() <= 255 && name.find_first_not_of(kLetters) == std::string_view::npos &&
         name.front() != '.' && name.front() != '-';
}

std::string AwsEndpoint(const std::string& region) {
  return fmt::format("https://s3.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
}

void RequireEndpoint(const std::string& endpoint) {
  const bool is_safe =
      endpoint.starts_with("https://") || (endpoint.starts_with("http://") && http::IsLoopback(endpoint));
  if (is_safe && !http::HostOf(endpoint).empty() && endpoint.find_first_of("?#@ \t\r\n") == std::string::npos) return;
  throw Error(ErrorCode::kUsage, fmt::format("\"{}\" is no endpoint for an S3 store", endpoint),
              "expected https://HOST[:PORT]; http:// only on this machine, since rows would be readable on the way");
}

}  // namespace

S3Address::S3Address(const std::string& url, const S3Options& options) : region_(options.region) {
  std::string_view rest(url);
  rest.remove_prefix(kS3Scheme.size());
  bucket_ = rest.substr(0, rest.find('/'));
  prefix_ = bucket_.size() == rest.size() ? "" : rest.substr(bucket_.size() + 1);
  while (prefix_.ends_with('/')) prefix_.pop_back();
  if (!IsBucketName(bucket_) || prefix_.starts_with('/') || prefix_.size() > 512) {
    throw Error(ErrorCode::kUsage, fmt::format("\"{}\" is no place in an S3 store", url),
                "expected s3://BUCKET or s3://BUCKET/PREFIX");
  }
  description_ = fmt::format("{}{}{}{}", kS3Scheme, bucket_, prefix_.empty() ? "" : "/", prefix_);
  if (!prefix_.empty()) prefix_ += '/';

  const bool is_aws = options.endpoint.empty();
  endpoint_ = is_aws ? AwsEndpoint(region_) : options.endpoint;
  while (endpoint_.ends_with('/')) endpoint_.pop_back();
  RequireEndpoint(endpoint_);
  // Few other stores have a name for each bucket. A certificate for *.s3… fits no name with a dot.
  const bool in_path = options.path_style.value_or(!is_aws || bucket_.find('.') != std::string::npos);
  const size_t host = endpoint_.find("://") + 3;
  base_ = in_path ? fmt::format("{}/{}/", endpoint_, bucket_)
                  : fmt::format("{}{}.{}/", endpoint_.substr(0, host), bucket_, endpoint_.substr(host));
}

std::string S3Address::UrlOfKey(const std::string& key) const { return base_ + http::PercentEncode(key, kKeptInPath); }

std::string S3Address::UrlOfBucket() const { return base_; }

}  // namespace rotv::remote
