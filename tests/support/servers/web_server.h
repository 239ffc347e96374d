// A real web server (nginx) on loopback, with TLS and a certificate that nobody else knows, for the files of a
// directory. Its programs come with s3_server.sh. It is ended with this object. Throws std::runtime_error.

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {

class WebServer {
 public:
  // Answers on return. Everything in `root` can be read by everybody who asks.
  explicit WebServer(const std::filesystem::path& root);

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  // The file that makes a client trust it.
  std::filesystem::path certificate() const { return directory_ / "certificate.pem"; }
  // "GET /head 304": each answer since the start or the last call.
  std::vector<std::string> TakeLog();

 private:
  TempDir directory_;
  int port_ = 0;
  size_t log_taken_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace rotv::testing
