#include "sync/remote/publisher_name.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

namespace rotv::remote {

std::string PublisherName(const std::filesystem::path& home) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const passwd* user = getpwuid(geteuid());
  return fmt::format("{}@{}:{}", user == nullptr ? std::to_string(geteuid()) : user->pw_name, host,
                     std::filesystem::weakly_canonical(home).native());
}

}  // namespace rotv::remote
