// Signed requests to one remote in an S3 store.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "os/environment.h"
#include "sync/context/context.h"
#include "sync/context/s3_options.h"
#include "sync/http/http_client.h"
#include "sync/remote/credential_source.h"
#include "sync/remote/s3_address.h"

namespace rotv::remote {

class S3Client {
 public:
  // As OpenS3().
  S3Client(const std::string& url, S3Options options, const os::Environment& environment, const Context& context);

  const S3Address& address() const { return address_; }

  struct Call {
    std::string method = "GET";
    std::string url = {};
    std::vector<std::string> headers = {};
    std::string_view body = {};
    uint64_t most_bytes = uint64_t{1} << 20;
    bool is_copy = false;  // Of an object, within the store: it may fail after the answer has begun with 200.
  };
  // Sends it, again while that may help, and with new credentials if these have expired. Returns the answer, whatever
  // its status. Throws as HttpClient::Send() and CredentialSource::Get() do. Any number of threads may call it at once.
  http::Answer Send(const Call& call);

  // Throws what the answer means. `action` as for S3Error().
  [[noreturn]] void Fail(const http::Answer& answer, const std::string& action) const;

 private:
  http::Answer SendAs(const AwsCredentials& credentials, const Call& call);

  const os::Environment environment_;
  const AwsProfile profile_;
  const S3Address address_;
  CredentialSource credentials_;
  http::HttpClient client_;
};

}  // namespace rotv::remote
