#include "sync/remote/object_hash.h"

#include <fmt/format.h>
#include <sodium.h>

namespace rotv::remote {

std::string HashOf(std::string_view bytes) {
  std::string hash(kHashBytes, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  return hash;
}

std::string HashText(std::string_view hash) {
  std::string text;
  for (const char byte : hash) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

}  // namespace rotv::remote
