#include "sync/link/ssh_login.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "os/process_environment.h"
#include "os/shell_quote.h"
#include "storage/error.h"
#include "storage/handle.h"

namespace rotv::link {
namespace {

using Key = std::unique_ptr<ssh_key_struct, decltype(&ssh_key_free)>;

enum class KeyState { kLoaded, kNeedsPassphrase, kUnprotected, kUnreadable };

struct LoadedKey {
  KeyState state = KeyState::kUnreadable;
  Key key{nullptr, ssh_key_free};
};

// libssh calls this only if the key has a passphrase. It notes that, and gives none: this program never prompts.
int NotePassphraseWanted(const char*, char*, size_t, int, int, void* wanted) {
  *static_cast<bool*>(wanted) = true;
  return -1;
}

// Follows OpenSSH's rule (sshkey_perm_ok): a file of ours must not be readable by others; a file of another user is not
// checked.
bool OthersMayRead(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && status.st_uid == getuid() && (status.st_mode & 077) != 0;
}

LoadedKey LoadKey(const std::string& path) {
  LoadedKey loaded;
  if (OthersMayRead(path)) {
    loaded.state = KeyState::kUnprotected;
    return loaded;
  }
  bool wanted = false;
  ssh_key key = nullptr;
  const int result = ssh_pki_import_privkey_file(path.c_str(), nullptr, NotePassphraseWanted, &wanted, &key);
  if (result == SSH_OK) {
    loaded.key.reset(key);
    loaded.state = KeyState::kLoaded;
  } else if (wanted) {
    loaded.state = KeyState::kNeedsPassphrase;
  }
  return loaded;
}

// Records the keys that were tried, for the error message.
struct Attempts {
  std::vector<std::string> offered;
  std::vector<std::string> need_passphrase;
  std::vector<std::string> unprotected;
};

[[noreturn]] void ThrowClosed(const SshWait& wait) {
  throw Error(ErrorCode::kUnreachable,
              fmt::format("{} closed the connection during the login: {}", wait.label, ssh_get_error(wait.session)),
              "too many keys may have been tried (MaxAuthTries): name the right one with identity in rotv.toml");
}

// Offers a key; true if the remote host accepted it.
bool Offer(const SshWait& wait, ssh_key key) {
  const int result = wait.Until(SSH_AUTH_AGAIN, [&] { return ssh_userauth_publickey(wait.session, nullptr, key); });
  if (result == SSH_AUTH_ERROR) ThrowClosed(wait);
  return result == SSH_AUTH_SUCCESS;
}

// Offers the certificate beside the key, which goes first, like with ssh.
bool OfferCertificate(const SshWait& wait, const std::string& path, Attempts& attempts) {
  const std::string certificate_path = path + "-cert.pub";
  ssh_key raw_certificate = nullptr;
  if (ssh_pki_import_cert_file(certificate_path.c_str(), &raw_certificate) != SSH_OK) return false;
  const Key certificate(raw_certificate, ssh_key_free);
  LoadedKey key = LoadKey(path);
  if (key.state != KeyState::kLoaded || ssh_pki_copy_cert_to_privkey(certificate.get(), key.key.get()) != SSH_OK) {
    return false;
  }
  attempts.offered.push_back(certificate_path);
  return Offer(wait, key.key.get());
}

bool OfferFile(const SshWait& wait, const std::string& path, Attempts& attempts) {
  LoadedKey loaded = LoadKey(path);
  if (loaded.state == KeyState::kNeedsPassphrase) attempts.need_passphrase.push_back(path);
  if (loaded.state == KeyState::kUnprotected) attempts.unprotected.push_back(path);
  if (loaded.state != KeyState::kLoaded) return false;
  if (OfferCertificate(wait, path, attempts)) return true;
  attempts.offered.push_back(path);
  return Offer(wait, loaded.key.get());
}

bool HaveAgent() { return !os::TakenVariable("SSH_AUTH_SOCK").empty(); }

bool OfferAgent(const SshWait& wait, Attempts& attempts) {
  if (!HaveAgent()) return false;
  attempts.offered.emplace_back("the agent's keys");
  const int result = wait.Until(SSH_AUTH_AGAIN, [&] { return ssh_userauth_agent(wait.session, nullptr); });
  // Without a connection no key can be refused. An agent that fails is passed over.
  if (result != SSH_AUTH_SUCCESS && ssh_is_connected(wait.session) == 0) ThrowClosed(wait);
  return result == SSH_AUTH_SUCCESS;
}

[[noreturn]] void ThrowRefused(const SshWait& wait, const Attempts& attempts) {
  if (!attempts.need_passphrase.empty()) {
    const std::string& path = attempts.need_passphrase.front();
    throw Error(
        ErrorCode::kRefused,
        fmt::format("cannot log in to {}: the key {} needs a passphrase, and no agent has it", wait.label, path),
        fmt::format("ssh-add {}", os::ShellQuote(path)) + (HaveAgent() ? "" : " (after: eval \"$(ssh-agent)\")"));
  }
  if (!attempts.unprotected.empty()) {
    const std::string& path = attempts.unprotected.front();
    throw Error(
        ErrorCode::kRefused,
        fmt::format("cannot log in to {}: the key {} is not used, because others may read it", wait.label, path),
        fmt::format("chmod 600 {}", os::ShellQuote(path)));
  }
  if (attempts.offered.empty()) {
    throw Error(ErrorCode::kRefused, fmt::format("cannot log in to {}: there is no key to try", wait.label),
                "make one with ssh-keygen -t ed25519, or name one with identity in rotv.toml");
  }
  throw Error(ErrorCode::kRefused,
              fmt::format("{} refused the login; tried: {}", wait.label, fmt::join(attempts.offered, ", ")),
              "the key's line (FILE.pub) must be in ~/.ssh/authorized_keys of that user there; "
              "another key is named with identity in rotv.toml");
}

}  // namespace

void CheckKeyFile(const std::string& path) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    throw Error(ErrorCode::kUsage, fmt::format("the key {} cannot be read: {}", path, std::strerror(errno)),
                "identity in rotv.toml must name a private key's file");
  }
  const KeyState state = LoadKey(path).state;
  if (state == KeyState::kUnprotected && !path.ends_with(".pub")) {
    throw Error(ErrorCode::kUsage, fmt::format("the private key {} is not protected: others may read it", path),
                fmt::format("chmod 600 {}", os::ShellQuote(path)));
  }
  if (state == KeyState::kUnreadable || state == KeyState::kUnprotected) {
    throw Error(ErrorCode::kUsage, fmt::format("{} is not a private key that libssh understands", path),
                path.ends_with(".pub") ? "identity names the private key: leave out .pub"
                                       : "identity in rotv.toml must name a private key's file");
  }
}

std::vector<std::string> LogIn(const SshWait& wait, const std::string& identity,
                               const std::vector<std::string>& files) {
  Attempts attempts;
  if (!identity.empty()) {
    if (OfferFile(wait, identity, attempts)) return {};
    if (!attempts.need_passphrase.empty() && OfferAgent(wait, attempts)) return {};
    ThrowRefused(wait, attempts);
  }
  if (!OfferAgent(wait, attempts) && !std::any_of(files.begin(), files.end(), [&](const std::string& path) {
        return access(path.c_str(), R_OK) == 0 && OfferFile(wait, path, attempts);
      })) {
    ThrowRefused(wait, attempts);
  }
  std::vector<std::string> warnings;
  for (const std::string& path : attempts.unprotected) {
    warnings.push_back(fmt::format("the private key {} is not used, because others may read it: chmod 600 {}", path,
                                   os::ShellQuote(path)));
  }
  return warnings;
}

}  // namespace rotv::link
