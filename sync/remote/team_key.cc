#include "sync/remote/team_key.h"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>

#include <cerrno>

#include "storage/atomic_file.h"
#include "storage/error.h"

// The nonce is a keyed hash of what is sealed: equal bytes have an equal one, others do not (192 bits), so that none is
// ever used for two texts. Keys for heads, for objects and for nonces come from the one that people have.

namespace rotv::remote {
namespace {

constexpr std::string_view kPrefix = "rotv-team-key-1:";
constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "rotvteam";

void StartSodium() {
  if (sodium_init() < 0) throw Error(ErrorCode::kCannotStart, "libsodium cannot be started", "look at /dev/urandom");
}

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string_view DataOf(TeamKey::Role role) {
  return role == TeamKey::Role::kHead ? "rotv remote 1 head" : "rotv remote 1 object";
}

}  // namespace

std::string TeamKey::NewText() {
  StartSodium();
  std::array<unsigned char, kKeyBytes> key;
  randombytes_buf(key.data(), key.size());
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_ENCODED_LEN(kKeyBytes, kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), key.data(), key.size(), kVariant);
  text.pop_back();  // The zero byte at the end.
  sodium_memzero(key.data(), key.size());
  return std::string(kPrefix) + text;
}

TeamKey::TeamKey(std::string_view text, const std::string& place) {
  StartSodium();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  Key key{};
  size_t bytes = 0;
  const bool has_prefix = text.starts_with(kPrefix);
  if (has_prefix) text.remove_prefix(kPrefix.size());
  if (!has_prefix ||
      sodium_base642bin(key.data(), key.size(), text.data(), text.size(), nullptr, &bytes, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      bytes != key.size()) {
    throw Error(ErrorCode::kUsage, fmt::format("{} holds no key of a team", place),
                "it is one line, as rotv-sync key new writes it; have it from the machine that publishes");
  }
  uint64_t number = 0;
  for (Key* derived : {&head_, &object_, &nonce_}) {
    crypto_kdf_derive_from_key(derived->data(), derived->size(), ++number, kContext, key.data());
  }
  sodium_memzero(key.data(), key.size());
}

TeamKey::~TeamKey() {
  for (Key* key : {&head_, &object_, &nonce_}) sodium_memzero(key->data(), key->size());
}

std::string TeamKey::Seal(Role role, std::string_view bytes) const {
  const std::string_view data = DataOf(role);
  std::string sealed(kNonceBytes + bytes.size() + kTagBytes, '\0');
  crypto_generichash_state hash;
  crypto_generichash_init(&hash, nonce_.data(), nonce_.size(), kNonceBytes);
  crypto_generichash_update(&hash, Bytes(data), data.size());
  crypto_generichash_update(&hash, Bytes(bytes), bytes.size());
  crypto_generichash_final(&hash, Bytes(sealed), kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(Bytes(sealed) + kNonceBytes, nullptr, Bytes(bytes), bytes.size(),
                                             Bytes(data), data.size(), nullptr, Bytes(sealed), KeyOf(role).data());
  return sealed;
}

std::optional<std::string> TeamKey::Open(Role role, std::string_view sealed) const {
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  const std::string_view data = DataOf(role);
  std::string bytes(sealed.size() - kNonceBytes - kTagBytes, '\0');
  const std::string_view content = sealed.substr(kNonceBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(Bytes(bytes), nullptr, nullptr, Bytes(content), content.size(),
                                                 Bytes(data), data.size(), Bytes(sealed), KeyOf(role).data()) != 0) {
    return std::nullopt;
  }
  return bytes;
}

std::optional<TeamKey> ReadTeamKey(const TeamKeyConfig& config) {
  if (!config.is_set()) return std::nullopt;
  if (config.file.empty()) {
    if (!config.value.empty()) return TeamKey(config.value, "the variable " + config.variable);
    throw Error(ErrorCode::kUsage, fmt::format("the variable {} is not set, which holds the key", config.variable),
                "set it, or name a file in rotv.toml: key = \"~/.rotv/team.key\"");
  }
  struct stat status {};
  if (stat(config.file.c_str(), &status) != 0) {
    if (errno != ENOENT) ThrowDiskError("read", config.file, errno);
    throw Error(ErrorCode::kUsage, fmt::format("there is no key in {}", config.file),
                "have it from the machine that publishes, or make one there: rotv-sync key new FILE");
  }
  if (!S_ISREG(status.st_mode) || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw Error(ErrorCode::kUsage, fmt::format("the key in {} can be read by others", config.file),
                fmt::format("others may know it: chmod 600 {}, or make a new one", config.file));
  }
  std::string text = ReadFile(config.file);
  const TeamKey key(text, config.file);
  sodium_memzero(text.data(), text.size());
  return key;
}

}  // namespace rotv::remote
