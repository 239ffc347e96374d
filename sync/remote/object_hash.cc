#include "sync/remote/object_hash.h"

#include <sodium.h>

namespace rotv::remote {

std::string HashOf(std::string_view bytes) {
  std::string hash(kHashBytes, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  return hash;
}

std::string HashText(std::string_view hash) {
  std::string text(2 * hash.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), reinterpret_cast<const unsigned char*>(hash.data()), hash.size());
  text.pop_back();  // The zero byte at the end.
  return text;
}

bool IsObjectName(std::string_view name) {
  return name.size() == 2 * kHashBytes && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsOurs(std::string_view name) {
  const std::string_view hash = name.substr(0, 2 * kHashBytes);
  return IsObjectName(hash) && (name.size() == hash.size() || name[hash.size()] == '.');
}

}  // namespace rotv::remote
