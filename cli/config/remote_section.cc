#include "cli/config/remote_section.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/config/remote_rows.h"
#include "storage/error.h"
#include "storage/workspace.h"
#include "sync/context/sftp_url.h"

namespace rotv::config {
namespace {

constexpr std::string_view kS3 = "s3://";

// What is between "://" and the path.
std::string_view PlaceOf(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  return url.substr(0, url.find_first_of("/?#"));
}

bool HasLogin(std::string_view url) { return PlaceOf(url).find('@') != std::string_view::npos; }

bool IsOnThisMachine(std::string_view url) {
  const std::string_view place = PlaceOf(url);
  const std::string_view host = place.substr(0, place.find(':'));
  return host == "localhost" || host == "127.0.0.1" || place.starts_with("[::1]");
}

RemoteConfig ReadOne(const toml::key& name, const toml::table& table, const ConfigValues& values) {
  RemoteConfig remote;
  remote.name = name.str();
  for (const auto& [key, node] : table) {
    if (key.str() == "url") {
      remote.url = RemoteUrl(key, values.Text(key, node), values);
    } else if (key.str() == "source") {
      remote.source = values.Text(key, node);
    } else if (key.str() == "publish") {
      remote.publish = values.Flag(key, node);
    } else if (key.str() == "require_mask") {
      remote.require_mask = values.Flag(key, node);
    } else if (key.str() == "key") {
      remote.key = TeamKeyOf(values.Text(key, node), values);
    } else if (key.str() == "sign") {
      remote.sign = values.Flag(key, node);
    } else if (key.str() == "public_key") {
      remote.signers = PublicKeysOf(key, node, values);
    } else if (key.str() == "snapshots") {
      remote.snapshots = values.Texts(key, node, "a list of names: [\"release-*\", \"monday\"]");
    } else if (key.str() == "subset") {
      remote.subset = values.Flag(key, node);
    } else if (key.str() == "keep_days") {
      remote.keep_days = values.Days(key, node);
    } else if (key.str() == "identity") {
      remote.identity = values.PathOf(values.Text(key, node));
    } else if (key.str() == "known_hosts") {
      remote.known_hosts = values.PathOf(values.Text(key, node));
    } else if (ReadRowsKey(key, node, fmt::format("[remotes.{}]", remote.name), values, &remote.rows)) {
      continue;
    } else if (!ReadS3Key(key, node, S3Keys::kOfPublisher, values, &remote.s3)) {
      FailOnCredential(key, values);
      std::vector<std::string> known = {"url",    "source",     "publish",   "require_mask", "key",
                                        "sign",   "public_key", "snapshots", "subset",       "where",
                                        "sample", "exclude",    "keep_days", "identity",     "known_hosts"};
      known.insert(known.end(), NamesOf(S3Keys::kOfPublisher).begin(), NamesOf(S3Keys::kOfPublisher).end());
      values.FailOnUnknown(key, fmt::format("[remotes.{}]", remote.name), known);
    }
  }
  if (remote.url.empty()) {
    values.Fail(name.source(), fmt::format("[remotes.{}] has no url", remote.name),
                "say where it is: url = \"/srv/history/production\" or \"s3://bucket/prefix\"");
  }
  if (remote.subset && remote.rows) {
    values.Fail(name.source(), fmt::format("[remotes.{}] has subset = true, and where, sample or exclude", remote.name),
                "[subset] says which rows a subset has: write it there, or leave out subset");
  }
  RequireS3(table, remote.url, values);
  RequireSsh(table, remote.url, values);
  return remote;
}

}  // namespace

std::map<std::string, RemoteConfig> ReadRemotes(const toml::table& table, const ConfigValues& values) {
  std::map<std::string, RemoteConfig> remotes;
  for (const auto& [key, node] : table) {
    if (!node.is_table()) values.FailOnType(key, node, "a table for each remote: [remotes.NAME]");
    if (!IsSourceName(key.str())) {
      values.Fail(key.source(), fmt::format("\"{}\" cannot be the name of a remote", key.str()),
                  "expected at most 64 letters, digits, '.', '_' and '-', not starting with '.'");
    }
    remotes.emplace(key.str(), ReadOne(key, *node.as_table(), values));
  }
  return remotes;
}

TeamKeyConfig TeamKeyOf(const std::string& text, const ConfigValues& values) {
  if (!text.starts_with('$')) return {.file = values.PathOf(text), .variable = "", .value = ""};
  return {.file = "", .variable = text.substr(1), .value = values.VariableOf(text.substr(1))};
}

std::vector<PublicKey> PublicKeysOf(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  const std::vector<std::string> texts = node.is_array() ? values.Texts(key, node, "a list of public keys")
                                                         : std::vector<std::string>{values.Text(key, node)};
  if (texts.empty()) values.FailOnType(key, node, "a public key, or a list of some");
  std::vector<PublicKey> keys;
  for (const std::string& text : texts) {
    if (const std::optional<PublicKey> public_key = PublicKeyOfText(text)) {
      keys.push_back(*public_key);
      continue;
    }
    try {
      keys.push_back(ParsePublicKey(values.PathOf(text)));
    } catch (const Error&) {
      values.Fail(key.source(), fmt::format("\"{}\" is neither a public key nor a file that holds one", text),
                  "it is 44 characters of base64: rotv-sync publish --status shows it where the history is published");
    }
  }
  return keys;
}

std::string RemoteUrl(const toml::key& key, const std::string& url, const ConfigValues& values) {
  constexpr std::string_view kFile = "file://";
  const bool is_web = url.starts_with("https://") || (url.starts_with("http://") && IsOnThisMachine(url));
  if (is_web && HasLogin(url)) {
    values.Fail(key.source(), fmt::format("\"{}\" has a login in it", key.str()),
                "logins are not kept in this file: put it into ~/.netrc:  machine HOST login NAME password …");
  }
  if (url.starts_with(kSshScheme)) {
    try {
      ParseSftpUrl(url);
    } catch (const Error& error) {
      values.Fail(key.source(), error.what(), error.hint());
    }
    return url;
  }
  if (is_web || (url.starts_with(kS3) && url.size() > kS3.size())) return url;
  if (url.starts_with(kFile) && url.size() > kFile.size() && url[kFile.size()] == '/') return url.substr(kFile.size());
  if (url.starts_with("http://")) {
    values.Fail(key.source(), fmt::format("\"{}\" is http://, by which rows could be read on the way", key.str()),
                "expected https://…; http:// only on this machine");
  }
  if (url.empty() || url.find("://") != std::string::npos) {
    values.Fail(key.source(), fmt::format("\"{}\" is not a place that this program knows", key.str()),
                "expected a directory (\"/srv/history\", \"~/history\" or \"file:///srv/history\"), "
                "\"s3://bucket/prefix\", \"ssh://user@host/srv/history\" or \"https://…\"");
  }
  return values.PathOf(url);
}

const std::vector<std::string>& NamesOf(S3Keys known) {
  static const std::vector<std::string> kReader = {"endpoint", "region", "path_style"};
  static const std::vector<std::string> kPublisher = {"endpoint", "region", "path_style", "single_publisher"};
  return known == S3Keys::kOfReader ? kReader : kPublisher;
}

bool ReadS3Key(const toml::key& key, const toml::node& node, S3Keys known, const ConfigValues& values, S3Options* s3) {
  const std::vector<std::string>& names = NamesOf(known);
  if (std::find(names.begin(), names.end(), key.str()) == names.end()) return false;
  if (key.str() == "endpoint") s3->endpoint = values.Text(key, node);
  if (key.str() == "region") s3->region = values.Text(key, node);
  if (key.str() == "path_style") s3->path_style = values.Flag(key, node);
  if (key.str() == "single_publisher") s3->single_publisher = values.Flag(key, node);
  return true;
}

void RequireS3(const toml::table& table, const std::string& url, const ConfigValues& values) {
  if (url.starts_with(kS3)) return;
  for (const std::string& name : NamesOf(S3Keys::kOfPublisher)) {
    const auto found = table.find(name);
    if (found == table.end()) continue;
    values.Fail(found->first.source(), fmt::format("\"{}\" is for remotes in an S3 store", name),
                "remove it, or give a url like \"s3://bucket/prefix\"");
  }
}

void RequireSsh(const toml::table& table, const std::string& url, const ConfigValues& values) {
  if (url.starts_with(kSshScheme)) return;
  for (const char* name : {"identity", "known_hosts"}) {
    const auto found = table.find(name);
    if (found == table.end()) continue;
    values.Fail(found->first.source(), fmt::format("\"{}\" is for remotes on a host that is reached by SSH", name),
                "remove it, or give a url like \"ssh://user@host/srv/history\"");
  }
}

void FailOnCredential(const toml::key& key, const ConfigValues& values) {
  for (const char* name : {"access_key", "access_key_id", "secret_key", "secret_access_key", "session_token", "token",
                           "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "AWS_ACCESS_KEY_ID",
                           "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "credentials"}) {
    if (key.str() != name) continue;
    values.Fail(key.source(), fmt::format("\"{}\": credentials are not kept in this file", key.str()),
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run  aws configure  and name the profile in "
                "AWS_PROFILE");
  }
}

}  // namespace rotv::config
