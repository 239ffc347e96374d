// SocketPlace is the unix socket by which libpq connects to us.

#pragma once

#include <string>
#include <utility>

#include "storage/handle.h"

namespace rotv::link {

// Makes a socket with the name that libpq expects for port 5432. It is in `private_dir`, or, if that path is too long
// for a socket or has a comma, in a new directory (0700) under XDG_RUNTIME_DIR or /tmp. The destructor removes the
// socket and that directory.
class SocketPlace {
 public:
  // Throws kDisk if no socket can be made. Replaces one that a killed run left.
  explicit SocketPlace(const std::string& private_dir);
  ~SocketPlace();
  SocketPlace(const SocketPlace&) = delete;
  SocketPlace& operator=(const SocketPlace&) = delete;

  const std::string& directory() const { return directory_; }
  static constexpr int kPort = 5432;

  // Hands over the listening socket; may be called once.
  FileDescriptor TakeListener() { return std::move(listener_); }

 private:
  std::string Path() const;
  void Remove();

  std::string directory_;
  bool own_directory_ = false;
  FileDescriptor listener_;
};

}  // namespace rotv::link
