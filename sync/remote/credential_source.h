// Who this program is to an S3 store, found where AWS's own tools look, in their order: variables, the profile's keys,
// its credential_process, a container's role, the machine's role.

#pragma once

#include <mutex>
#include <optional>

#include "os/environment.h"
#include "sync/context/context.h"
#include "sync/remote/aws_credentials.h"
#include "sync/remote/aws_profile.h"

namespace rotv::remote {

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

}  // namespace rotv::remote
