// Where in an S3 store a remote is, and the URLs of its objects. Pure.

#pragma once

#include <string>
#include <string_view>

#include "sync/context/s3_options.h"

namespace rotv::remote {

inline constexpr std::string_view kS3Scheme = "s3://";

class S3Address {
 public:
  // `url` is s3://BUCKET[/PREFIX]. `options` has a region, and what the environment says is in it. Throws kUsage if it
  // is not that, or if the endpoint is not an https URL (http: on this machine only).
  S3Address(const std::string& url, const S3Options& options);

  const std::string& description() const { return description_; }  // "s3://bucket/prefix"
  const std::string& bucket() const { return bucket_; }
  const std::string& region() const { return region_; }
  const std::string& endpoint() const { return endpoint_; }

  // The key of an object of the remote: "prefix/head".
  std::string Key(const std::string& name) const { return prefix_ + name; }
  std::string UrlOfKey(const std::string& key) const;
  std::string UrlOf(const std::string& name) const { return UrlOfKey(Key(name)); }
  // The bucket itself, for a list.
  std::string UrlOfBucket() const;

 private:
  std::string description_;
  std::string bucket_;
  std::string prefix_;  // "prefix/", or empty.
  std::string region_;
  std::string endpoint_;
  std::string base_;  // What keys are appended to: "https://bucket.s3.eu-west-1.amazonaws.com/".
};

}  // namespace rotv::remote
