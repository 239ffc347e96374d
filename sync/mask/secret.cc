#include "sync/mask/secret.h"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::mask {
namespace {

namespace fs = std::filesystem;

void MakeSecret(const fs::path& path) {
  MaskSecret secret;
  randombytes_buf(secret.data(), secret.size());
  std::string text(2 * secret.size() + 1, '\0');  // With the zero byte at its end.
  sodium_bin2hex(text.data(), text.size(), secret.data(), secret.size());
  text.back() = '\n';
  WriteFileAtomically(path, text);
}

MaskSecret Parse(const fs::path& path, std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  MaskSecret secret;
  size_t length = 0;
  const char* end = nullptr;
  if (sodium_hex2bin(secret.data(), secret.size(), text.data(), text.size(), nullptr, &length, &end) != 0 ||
      length != secret.size() || end != text.data() + text.size()) {
    throw Error(ErrorCode::kUsage, fmt::format("{} holds no secret for masking", path.native()),
                "expected 64 hexadecimal digits, as made by: openssl rand -hex 32");
  }
  return secret;
}

}  // namespace

MaskSecret ReadMaskSecret(const fs::path& home, const std::string& file) {
  if (sodium_init() < 0) throw Error(ErrorCode::kBug, "libsodium cannot be used here");
  const fs::path path = file.empty() ? home / "mask-secret" : fs::path(file);
  if (file.empty() && !fs::exists(path)) MakeSecret(path);
  struct stat status;
  std::ifstream stream(path);
  if (!stream || stat(path.c_str(), &status) != 0) {
    throw Error(ErrorCode::kUsage, fmt::format("the secret for masking, {}, cannot be read", path.native()),
                "\"mask_secret\" in [mask] names it: correct the path, or the file's permissions");
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw Error(ErrorCode::kUsage, fmt::format("the secret for masking, {}, can be read by others", path.native()),
                fmt::format("chmod 600 '{}'", path.native()));
  }
  return Parse(path, {std::istreambuf_iterator<char>(stream), {}});
}

MaskSecret MaskSecretOf(const Context& context) {
  const MaskConfig& mask = context.source.mask;
  // Rules that are no longer in the config may still be in force for stored rows: their secret is read, but not
  // created.
  const bool needed = !mask.empty() || !mask.secret_file.empty() || fs::exists(context.home / "mask-secret");
  return needed ? ReadMaskSecret(context.home, mask.secret_file) : MaskSecret();
}

std::string SecretId(const MaskSecret& secret) {
  const uint64_t hash = KeyedHash(secret, "id")("");
  return fmt::format("{:016x}", hash);
}

}  // namespace rotv::mask
