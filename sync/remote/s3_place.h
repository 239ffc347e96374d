// A remote in an S3 store.

#pragma once

#include <memory>
#include <string>

#include "os/environment.h"
#include "sync/context/context.h"
#include "sync/context/s3_options.h"
#include "sync/remote/remote_place.h"

namespace rotv::remote {

// `url` is s3://BUCKET[/PREFIX]. What `options` leaves open is as AWS's variables and files say. Asks nothing of the
// network. Throws kUsage if it is no address. The context outlives the place.
std::unique_ptr<RemotePlace> OpenS3(const std::string& url, S3Options options, const os::Environment& environment,
                                    const Context& context);

}  // namespace rotv::remote
