// The unix socket through which libpq comes to us.

#pragma once

#include <string>
#include <utility>

#include "storage/handle.h"

namespace rotv::link {

// A socket named as libpq expects it for port 5432. It is made in `private_dir`, or, where that path is too long for a
// socket's, in a new directory (0700) under XDG_RUNTIME_DIR or /tmp. Removed at the end, together with what was made.
class SocketPlace {
 public:
  // Throws kDisk if no socket can be made. One that a killed run left is replaced.
  explicit SocketPlace(const std::string& private_dir);
  ~SocketPlace();
  SocketPlace(const SocketPlace&) = delete;
  SocketPlace& operator=(const SocketPlace&) = delete;

  const std::string& directory() const { return directory_; }
  static constexpr int kPort = 5432;

  // The listening socket; once.
  FileDescriptor TakeListener() { return std::move(listener_); }

 private:
  std::string Path() const;
  void Remove();

  std::string directory_;
  bool own_directory_ = false;
  FileDescriptor listener_;
};

}  // namespace rotv::link
