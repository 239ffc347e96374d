#include "tests/support/servers/s3_server.h"

#include <regex>
#include <sstream>
#include <stdexcept>

#include "fmt/format.h"

namespace rotv::testing {
namespace {

const char* const kScript = ROTV_SOURCE_DIR "/tests/support/servers/s3_server.sh";

// /tmp may be in memory, where the store cannot open its file.
constexpr const char* kOnDisk = "/var/tmp";

}  // namespace

S3Server& S3Server::Shared() {
  static S3Server server;
  return server;
}

S3Server::S3Server()
    : directory_(TempDirName::kPlain, kOnDisk), process_(Command{.argv = {kScript, "run", directory_ / "s3"}}) {
  // Minutes only where the packages are not there yet.
  if (!process_.WaitForOutput("\nready\n", std::chrono::minutes(9))) {
    throw std::runtime_error("no S3 server: " + process_.Err());
  }
  std::istringstream lines(process_.Out());
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = line.substr(0, equals);
    const std::string value = line.substr(equals + 1);
    if (name == "S3_ENDPOINT") endpoint_ = value;
    if (name == "S3_BUCKET") bucket_ = value;
    if (name == "S3_ACCESS_KEY") access_key_ = value;
    if (name == "S3_SECRET_KEY") secret_key_ = value;
    if (name == "S3_OTHER_ACCESS_KEY") other_access_key_ = value;
    if (name == "S3_OTHER_SECRET_KEY") other_secret_key_ = value;
  }
  port_ = std::stoi(endpoint_.substr(endpoint_.rfind(':') + 1));
}

void S3Server::WriteCredentials(const std::filesystem::path& home) const {
  std::filesystem::create_directories(home / ".aws");
  WriteFile(home / ".aws" / "credentials",
            fmt::format("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", access_key_, secret_key_));
}

Result S3Server::Curl(const std::string& path, std::vector<std::string> arguments) const {
  Command command{.argv = {"curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--aws-sigv4",
                           "aws:amz:us-east-1:s3", "--user", access_key_ + ":" + secret_key_, "--header",
                           "x-amz-content-sha256: UNSIGNED-PAYLOAD"}};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.argv.push_back(fmt::format("{}/{}{}", endpoint_, bucket_, path));
  return MustRun(command);
}

std::string S3Server::Get(const std::string& key) const { return Curl("/" + key, {}).out; }

void S3Server::Put(const std::string& key, const std::filesystem::path& file) const {
  Curl("/" + key, {"--upload-file", file});
}

void S3Server::SetPolicy(const std::string& json) const {
  Curl("/?policy=", {"--request", "PUT", "--header", "Content-Type: application/json", "--data", json});
}

void S3Server::Delete(const std::string& key) const { Curl("/" + key, {"--request", "DELETE"}); }

std::vector<std::string> S3Server::Keys(const std::string& prefix) const {
  const std::string list = Curl("?list-type=2&prefix=" + std::regex_replace(prefix, std::regex("/"), "%2F"), {}).out;
  const std::regex key("<Key>([^<]*)</Key>");
  std::vector<std::string> keys;
  for (std::sregex_iterator found(list.begin(), list.end(), key), end; found != end; ++found)
    keys.push_back((*found)[1]);
  return keys;
}

}  // namespace rotv::testing
