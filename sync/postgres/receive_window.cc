#include "sync/postgres/receive_window.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace rotv::postgres {
namespace {

// The kernel takes twice as much for its own use. Once the stream is read, all that the sender holds comes by windows
// of this size, one in each round trip.
constexpr int kWindowBytes = 64 << 10;
constexpr uint32_t kLongestRoundTripUs = 1000;

}  // namespace

bool NarrowReceiveWindow(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  // What the kernel fills in depends on its version; 0 is no measurement.
  if (info.tcpi_min_rtt == 0 || info.tcpi_min_rtt > kLongestRoundTripUs) return false;
  return setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kWindowBytes, sizeof kWindowBytes) == 0;
}

}  // namespace rotv::postgres
