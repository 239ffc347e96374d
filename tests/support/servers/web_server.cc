#include "tests/support/servers/web_server.h"

#include <sstream>
#include <stdexcept>

#include "fmt/format.h"

namespace rotv::testing {
namespace {

const char* const kServersScript = ROTV_SOURCE_DIR "/tests/support/servers/s3_server.sh";

std::string Config(const std::filesystem::path& directory, const std::filesystem::path& root, int port) {
  std::string config = "daemon off;\nmaster_process off;\nerror_log stderr;\nevents {}\nhttp {\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    config += fmt::format("  {}_temp_path \"{}/{}\";\n", kind, directory.native(), kind);
  }
  config += fmt::format(
      "  log_format plain '$request_method $uri $status';\n  access_log \"{0}/log\" plain;\n"
      "  server {{\n    listen 127.0.0.1:{1} ssl;\n    ssl_certificate \"{0}/certificate.pem\";\n"
      "    ssl_certificate_key \"{0}/key.pem\";\n    root \"{2}\";\n  }}\n}}\n",
      directory.native(), port, root.native());
  return fmt::format("pid \"{}/pid\";\n", directory.native()) + config;
}

}  // namespace

WebServer::WebServer(const std::filesystem::path& root) {
  MustRun({.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", directory_ / "key.pem", "-out", certificate(), "-subj", "/CN=a test", "-addext",
                    "subjectAltName=IP:127.0.0.1"}});
  for (int attempt = 0; attempt < 5; ++attempt) {  // Somebody else may take the port first.
    port_ = FreePort();
    WriteFile(directory_ / "nginx.conf", Config(directory_.path(), root, port_));
    process_ = std::make_unique<Process>(Command{
        .argv = {kServersScript, "nginx", "-e", "stderr", "-p", directory_.path(), "-c", directory_ / "nginx.conf"}});
    const auto answers = [&] {
      return RunCommand({.argv = {"curl", "--silent", "--insecure", "--noproxy", "*", "--output", "/dev/null", url()}})
          .ok();
    };
    if (WaitUntil([&] { return !process_->Running() || answers(); }, std::chrono::minutes(5)) && process_->Running()) {
      TakeLog();
      return;
    }
  }
  throw std::runtime_error("no web server: " + process_->Err());
}

std::vector<std::string> WebServer::TakeLog() {
  std::istringstream lines(ReadFile(directory_ / "log"));
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  const std::vector<std::string> since(all.begin() + static_cast<long>(std::min(log_taken_, all.size())), all.end());
  log_taken_ = all.size();
  return since;
}

}  // namespace rotv::testing
