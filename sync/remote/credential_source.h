// Who this program is to an S3 store, found where AWS's own tools look, in their order: variables, the profile's keys,
// its credential_process, a container's role, the machine's role.

#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

#include "os/environment.h"
#include "sync/context/context.h"
#include "sync/remote/aws_credentials.h"
#include "sync/remote/aws_profile.h"

namespace rotv::remote {

// When credentials that expire are looked for again: so long before, and not more often than that.
struct CredentialTiming {
  int64_t renew_before_s = 5 * 60;
  std::chrono::seconds between{60};
};

// Any number of threads may call Get() at once.
class CredentialSource {
 public:
  // All outlive this object.
  CredentialSource(const Context& context, const os::Environment& environment, const AwsProfile& profile,
                   CredentialTiming timing = {})
      : context_(context), environment_(environment), profile_(profile), timing_(timing) {}

  // Those of now: what is about to expire is looked for again, and serves to its end if there is nothing new. Throws
  // kUsage if there are none, with the places; kRefused if a place that should have some has none.
  AwsCredentials Get();
  // The store says that `refused` have expired: the next Get() looks for others. Returns false if that would find the
  // same.
  bool Renew(const AwsCredentials& refused);

 private:
  using Clock = std::chrono::steady_clock;
  AwsCredentials Find() const;
  void Look();                                 // With mutex_.
  std::optional<int64_t> SecondsLeft() const;  // Of what is known; nullopt: they do not expire. With mutex_.

  const Context& context_;
  const os::Environment& environment_;
  const AwsProfile& profile_;
  const CredentialTiming timing_;
  std::mutex mutex_;
  Clock::time_point looked_;             // Guarded by mutex_.
  std::optional<AwsCredentials> known_;  // Guarded by mutex_.
};

}  // namespace rotv::remote
