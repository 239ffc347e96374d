#include "sync/postgres/receive_window.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
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
  return pair;
}

// Without it the window grows with each round.
TEST(ReceiveWindowTest, LittleIsTakenBeforeItIsReadAndAllOfItComes) {
  const Pair pair = TcpPair();
  ASSERT_TRUE(NarrowReceiveWindow(pair.receiver.get()));
  const std::string sent(500'000, 'm');
  std::vector<char> buffer(sent.size());
  for (int round = 0; round < 40; ++round) {
    ASSERT_EQ(send(pair.sender.get(), sent.data(), sent.size(), 0), static_cast<ssize_t>(sent.size()));
    int taken = 0;
    ASSERT_EQ(ioctl(pair.receiver.get(), FIONREAD, &taken), 0);
    EXPECT_LE(taken, 128 << 10) << "round " << round;
    for (size_t left = sent.size(); left > 0;) {
      const ssize_t got = recv(pair.receiver.get(), buffer.data(), left, 0);
      ASSERT_GT(got, 0);
      left -= static_cast<size_t>(got);
    }
  }
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
