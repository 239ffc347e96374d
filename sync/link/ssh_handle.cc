#include "sync/link/ssh_handle.h"

#include <poll.h>

#include "fmt/format.h"
#include "storage/error.h"

namespace rotv::link {

void SshSessionDeleter::operator()(ssh_session session) const {
  // A disconnect message could wait for a dead link, so none is sent. This closes the socket, even one that we handed
  // over, unless an error already did; it also ends a proxy.
  ssh_silent_disconnect(session);
  ssh_free(session);
}

int SshWait::Until(int again, const std::function<int()>& step) const {
  while (true) {
    const int result = step();
    if (result != again) return result;
    interrupt.Check();
    if (std::chrono::steady_clock::now() > deadline) {
      throw Error(ErrorCode::kUnreachable, fmt::format("no answer from {} in time", label),
                  "check the network, and that this is the port of sshd; then try again");
    }
    const int flags = ssh_get_poll_flags(session);
    short events = POLLIN;
    if ((flags & SSH_WRITE_PENDING) != 0) events |= POLLOUT;
    pollfd polled{ssh_get_fd(session), events, 0};
    poll(&polled, 1, Interrupt::kPollMs);
  }
}

}  // namespace rotv::link
