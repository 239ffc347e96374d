#include "sync/library_versions.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <google/protobuf/stubs/common.h>
#include <libpq-fe.h>
#include <libssh/libssh.h>
#include <rocksdb/version.h>
#include <sodium.h>
#include <zlib.h>
#include <zstd.h>

namespace rotv {
namespace {

std::string LibpqVersion() {  // 150018 is 15.18.
  const int number = PQlibVersion();
  return fmt::format("{}.{}", number / 10'000, number % 10'000);
}

// "0.10.6/openssl/zlib"
std::string LibsshVersion() {
  const std::string all = ssh_version(0);
  return all.substr(0, all.find('/'));
}

}  // namespace

std::vector<LibraryVersion> LibraryVersions() {
  return {{"RocksDB", rocksdb::GetRocksVersionAsString()},
          {"libpq", LibpqVersion()},
          {"libssh", LibsshVersion()},
          {"libcurl", curl_version_info(CURLVERSION_NOW)->version},
          {"protobuf", google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION)},
          {"libsodium", sodium_version_string()},
          {"zstd", ZSTD_versionString()},
          {"zlib", zlibVersion()}};
}

}  // namespace rotv
