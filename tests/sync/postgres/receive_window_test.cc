#include "sync/postgres/receive_window.h"

#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "storage/handle.h"

namespace rotv::postgres {
namespace {

struct Pair {
  FileDescriptor sender;
  FileDescriptor receiver;
};

Pair TcpPair() {
  const FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listener.get(), any, size), 0);
  EXPECT_EQ(listen(listener.get(), 1), 0);
  EXPECT_EQ(getsockname(listener.get(), any, &size), 0);
  Pair pair;
  pair.receiver = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(pair.receiver.get(), any, size), 0);
  pair.sender = FileDescriptor(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  constexpr int kOn = 1;  // As PostgreSQL's server has it.
  EXPECT_EQ(setsockopt(pair.sender.get(), IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn), 0);
  return pair;
}

tcp_info InfoOf(const FileDescriptor& socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  EXPECT_EQ(getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return info;
}

// Without it the window grows with each round, and the sender sends so much in small pieces (here ten more a round).
TEST(ReceiveWindowTest, ASenderGathersWhatIsNotReadAndAllOfItComes) {
  const Pair pair = TcpPair();
  ASSERT_TRUE(NarrowReceiveWindow(pair.receiver.get()));
  const std::string message(100, 'm');
  constexpr size_t kMessages = 10'000;
  uint32_t pieces = 0;
  for (int round = 0; round < 40; ++round) {
    const uint32_t before = InfoOf(pair.sender).tcpi_data_segs_out;
    for (size_t i = 0; i < kMessages; ++i) ASSERT_EQ(send(pair.sender.get(), message.data(), message.size(), 0), 100);
    pieces = InfoOf(pair.sender).tcpi_data_segs_out - before;
    std::vector<char> buffer(1 << 20);
    for (size_t left = kMessages * message.size(); left > 0;) {
      const ssize_t got = recv(pair.receiver.get(), buffer.data(), buffer.size(), 0);
      ASSERT_GT(got, 0);
      left -= static_cast<size_t>(got);
    }
  }
  EXPECT_LT(pieces, 100U);
}

TEST(ReceiveWindowTest, ASocketThatIsNotTcpStaysAsItIs) {
  std::array<int, 2> ends;
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const FileDescriptor one(ends[0]);
  const FileDescriptor other(ends[1]);
  EXPECT_FALSE(NarrowReceiveWindow(one.get()));
}

}  // namespace
}  // namespace rotv::postgres
