// Who this program is to an S3 store, found where AWS's own tools look, in their order: variables, the profile's keys,
// its credential_process, a container's role, the machine's role.

#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "os/environment.h"
#include "sync/context/context.h"
#include "sync/remote/aws_profile.h"

namespace rotv::remote {

struct AwsCredentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;              // Empty: none.
  std::optional<int64_t> expires_s = {};  // Since 1970.
  std::string found_in = {};              // For people: "the profile \"team\"".
};

// Any number of threads may call Get() at once.
class CredentialSource {
 public:
  // All outlive this object.
  CredentialSource(const Context& context, const os::Environment& environment, const AwsProfile& profile)
      : context_(context), environment_(environment), profile_(profile) {}

  // Those of now: what expires within five minutes is looked for again. Throws kUsage if there are none, with the
  // places; kRefused if a place that should have some has none.
  AwsCredentials Get();
  // The store says that `refused` have expired: the next Get() looks for others. Returns false if that would find the
  // same.
  bool Renew(const AwsCredentials& refused);

 private:
  AwsCredentials Find() const;

  const Context& context_;
  const os::Environment& environment_;
  const AwsProfile& profile_;
  std::mutex mutex_;
  std::optional<AwsCredentials> known_;  // Guarded by mutex_.
};

// What a credential_process prints and what roles answer, in JSON. `found_in` is where, for messages. Throws kRefused
// if it is something else.
AwsCredentials ParseCredentials(std::string_view json, const std::string& found_in);

}  // namespace rotv::remote
