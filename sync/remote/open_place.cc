#include "sync/remote/open_place.h"

#include <fmt/format.h>

#include "os/process_environment.h"
#include "storage/error.h"
#include "sync/remote/directory_place.h"
#include "sync/remote/s3_address.h"
#include "sync/remote/s3_place.h"
#include "sync/remote/sftp_place.h"
#include "sync/remote/web_place.h"

namespace rotv::remote {
namespace {

// A query may be a signature.
std::string WithoutQuery(const std::string& url) { return url.substr(0, url.find('?')); }

}  // namespace

std::unique_ptr<RemotePlace> OpenPlace(const PlaceAddress& address, Purpose purpose, const Context& context) {
  if (address.url.starts_with(kS3Scheme)) return OpenS3(address.url, address.s3, os::TakenEnvironment(), context);
  if (address.url.starts_with(kSshScheme)) {
    return OpenSftp({ParseSftpUrl(address.url), address.identity, address.known_hosts}, purpose, context);
  }
  if (address.url.find("://") == std::string::npos) return OpenDirectory(address.url, purpose);
  if (purpose == Purpose::kPublish) {
    throw Error(ErrorCode::kUsage, fmt::format("{} can only be read", WithoutQuery(address.url)),
                "publish where the web server takes it from: a directory, or s3://BUCKET/PREFIX");
  }
  return OpenWeb(address.url, address.query, context);
}

std::unique_ptr<RemotePlace> OpenFollowed(const Context& context) {
  const SourceConfig& source = context.source;
  return OpenPlace({.url = source.remote,
                    .s3 = source.s3,
                    .query = source.remote_query,
                    .identity = source.identity,
                    .known_hosts = source.known_hosts},
                   Purpose::kRead, context);
}

}  // namespace rotv::remote
