// A socket of ours between libpq and a server that nothing proves, which cuts a connection before the password could be
// sent in clear.

#pragma once

#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "storage/interrupt.h"
#include "sync/link/socket_place.h"

namespace rotv::link {

class PasswordRelay {
 public:
  struct Server {
    std::string host;
    int port = 0;
  };

  // Listens in `private_dir` (see SocketPlace) and carries each connection to `server`, without TLS.
  PasswordRelay(Server server, const std::string& private_dir);
  // Ends every connection.
  ~PasswordRelay();
  PasswordRelay(const PasswordRelay&) = delete;
  PasswordRelay& operator=(const PasswordRelay&) = delete;

  const std::string& directory() const { return place_.directory(); }

  // Why the last connection could not be made, or was cut; empty after one that could.
  std::string Failure() const;

 private:
  void AcceptAll();
  void Carry(FileDescriptor local);
  void SetFailure(const std::string& why);

  const Server server_;
  SocketPlace place_;
  FileDescriptor listener_;
  Interrupt stop_;
  mutable std::mutex mutex_;
  std::string failure_;              // Guarded by mutex_.
  std::list<std::thread> carrying_;  // Used by the accepting thread, and after its end.
  std::thread accepting_;            // Last: it uses all of the above.
};

}  // namespace rotv::link
