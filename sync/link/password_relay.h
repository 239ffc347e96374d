// PasswordRelay is a proxy between libpq and a server that nothing proves. It cuts a connection before libpq could send
// the password in cleartext.

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

  // Listens in `private_dir` (see SocketPlace) and relays each connection to `server`, without TLS.
  PasswordRelay(Server server, const std::string& private_dir);
  // Ends every connection.
  ~PasswordRelay();
  PasswordRelay(const PasswordRelay&) = delete;
  PasswordRelay& operator=(const PasswordRelay&) = delete;

  const std::string& directory() const { return place_.directory(); }

  // The reason why the last connection failed or was cut; empty if it did not.
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
  std::list<std::thread> carrying_;  // Used by the accepting thread, and by the destructor after its end.
  std::thread accepting_;            // Last: it uses all of the above.
};

}  // namespace rotv::link
