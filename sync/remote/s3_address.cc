#include "sync/remote/s3_address.h"

#include <fmt/format.h>

#include "storage/error.h"
#include "sync/http/http_client.h"
#include "sync/remote/relative_part.h"

namespace rotv::remote {
namespace {

constexpr std::string_view kKeptInPath = "/";  // S3 signs the path with everything else encoded, "=" too.

bool IsBucketName(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return name.size() >= 3 && name.size() <= 255 && name.find_first_not_of(kLetters) == std::string_view::npos &&
         name.front() != '.' && name.front() != '-';
}

// It is not shown: a secret key may be in it, which may have a '/', too.
constexpr const char* kWhereSecretsBelong =
    "credentials are not kept in rotv.toml: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws configure";

std::string AwsEndpoint(const std::string& region) {
  return fmt::format("https://s3.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
}

void RequireEndpoint(const std::string& endpoint) {
  const bool is_safe =
      endpoint.starts_with("https://") || (endpoint.starts_with("http://") && http::IsLoopback(endpoint));
  if (is_safe && !http::HostOf(endpoint).empty() && endpoint.find_first_of("?#@ \t\r\n") == std::string::npos) return;
  if (endpoint.find_first_of("?#@") != std::string::npos) {
    throw Error(ErrorCode::kUsage, "the endpoint of an S3 store has a login or a query in it", kWhereSecretsBelong);
  }
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
  const bool is_bucket = IsBucketName(bucket_);
  if (url.find('?') != std::string::npos || (!is_bucket && rest.find_first_of("@:") != std::string_view::npos)) {
    throw Error(ErrorCode::kUsage, "the url of a place in an S3 store has a login or a query in it",
                kWhereSecretsBelong);
  }
  if (!is_bucket || prefix_.starts_with('/') || prefix_.size() > 512 || HasRelativePart(prefix_)) {
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
