// A real S3 server (Ceph) on loopback, started by s3_server.sh: four seconds, so the tests of a program share it. It
// has one bucket. All functions throw std::runtime_error with what the server says.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {

class S3Server {
 public:
  // Started with the first call, and ended with the program.
  static S3Server& Shared();

  int port() const { return port_; }
  std::string endpoint() const { return endpoint_; }
  const std::string& bucket() const { return bucket_; }
  const std::string& access_key() const { return access_key_; }
  const std::string& secret_key() const { return secret_key_; }

  // Another user, who has no rights in the bucket but those of its policy.
  const std::string& other_access_key() const { return other_access_key_; }
  const std::string& other_secret_key() const { return other_secret_key_; }
  // Replaces the bucket's policy.
  void SetPolicy(const std::string& json) const;

  // What `aws configure` would write: gives `home` a profile with the server's key.
  void WriteCredentials(const std::filesystem::path& home) const;

  // Past the program under test: the bytes of an object, and the keys that begin with `prefix`.
  std::string Get(const std::string& key) const;
  void Put(const std::string& key, const std::filesystem::path& file) const;
  void Delete(const std::string& key) const;
  std::vector<std::string> Keys(const std::string& prefix) const;

 private:
  S3Server();
  Result Curl(const std::string& path, std::vector<std::string> arguments) const;

  TempDir directory_;
  Process process_;
  std::string endpoint_;
  std::string bucket_;
  std::string access_key_;
  std::string secret_key_;
  std::string other_access_key_;
  std::string other_secret_key_;
  int port_ = 0;
};

}  // namespace rotv::testing
