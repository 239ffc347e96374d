// Lists what an S3 store has.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sync/remote/s3_client.h"

namespace rotv::remote {

struct S3Object {
  std::string name;  // Without the prefix.
  uint64_t bytes = 0;
  int64_t age_s = 0;  // By the store's clock.
};

// The objects whose keys begin with that of `prefix` ("objects/"), and have no '/' behind it. Throws as
// S3Client::Send() and S3Client::Fail() do, and kProtocol if the store answers something else, or without an end.
std::vector<S3Object> ListS3(S3Client& client, const std::string& prefix);

}  // namespace rotv::remote
