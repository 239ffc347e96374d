#include "os/random_text.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "storage/error.h"

namespace rotv::os {

std::string RandomText(std::string_view letters, size_t size) {
  // Bytes above the last whole multiple of the letters would make the first letters more probable.
  const size_t usable = 256 - 256 % letters.size();
  std::string text;
  std::array<unsigned char, 64> bytes{};
  while (text.size() < size) {
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
      throw Error(ErrorCode::kBug, fmt::format("the kernel gives no random numbers: {}", std::strerror(errno)));
    }
    for (const unsigned char byte : bytes) {
      if (byte < usable && text.size() < size) text += letters[byte % letters.size()];
    }
  }
  return text;
}

}  // namespace rotv::os
