#include "sync/link/socket_place.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "fmt/format.h"
#include "os/process_environment.h"
#include "storage/error.h"

namespace rotv::link {
namespace {

constexpr const char* kName = "/.s.PGSQL.5432";

// libpq takes a comma for the end of one host and the begin of the next.
bool FitsSocketPath(const std::string& directory) {
  return directory.size() + std::strlen(kName) < sizeof(sockaddr_un::sun_path) &&
         directory.find(',') == std::string::npos;
}

Error NoSocket(const std::string& where, int error) {
  return Error(ErrorCode::kDisk, fmt::format("cannot make a socket in {}: {}", where, std::strerror(error)),
               "is there room, and may you write there?");
}

std::string NewShortDirectory() {
  for (const std::string& base : {os::TakenVariable("XDG_RUNTIME_DIR"), std::string("/tmp")}) {
    if (base.empty()) continue;
    std::string name = base + "/rotv-XXXXXX";
    if (FitsSocketPath(name) && mkdtemp(name.data()) != nullptr) return name;
  }
  throw NoSocket("/tmp", errno);
}

}  // namespace

SocketPlace::SocketPlace(const std::string& private_dir) : directory_(private_dir) {
  if (!FitsSocketPath(directory_) || !directory_.starts_with('/')) {
    directory_ = NewShortDirectory();
    own_directory_ = true;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, Path().c_str(), sizeof address.sun_path - 1);
  listener_ = FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  unlink(Path().c_str());
  if (!listener_ || bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(Path().c_str(), 0600) != 0 || listen(listener_.get(), 64) != 0) {
    const int error = errno;
    Remove();
    throw NoSocket(directory_, error);
  }
}

SocketPlace::~SocketPlace() { Remove(); }

std::string SocketPlace::Path() const { return directory_ + kName; }

void SocketPlace::Remove() {
  unlink(Path().c_str());
  if (own_directory_) rmdir(directory_.c_str());
}

}  // namespace rotv::link
