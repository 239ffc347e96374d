// How a remote in an S3 store is reached. Plain data: cli/config reads and checks it.

#pragma once

#include <optional>
#include <string>

namespace rotv {

struct S3Options {
  std::string endpoint;            // "https://s3.example.org"; empty: what AWS's variables and files say, else AWS.
  std::string region;              // Empty: the same, else us-east-1.
  std::optional<bool> path_style;  // The bucket is in the path, not in the host's name; nullopt: as suits the endpoint.
  bool single_publisher = false;   // Nobody else publishes: the store need not have conditional writes.
};

}  // namespace rotv
