#include "storage/write_all.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <thread>

#include "storage/handle.h"

namespace rotv {
namespace {

TEST(WriteAllTest, AFullPipeIsWaitedForEvenIfItDoesNotBlock) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const FileDescriptor in(ends[0]);
  FileDescriptor out(ends[1]);
  ASSERT_EQ(fcntl(out.get(), F_SETFL, O_NONBLOCK), 0);
  std::string received;
  std::thread reader([&] {
    char buffer[1000];
    for (ssize_t n; (n = read(in.get(), buffer, sizeof buffer)) > 0;) received.append(buffer, static_cast<size_t>(n));
  });
  const std::string sent(1 << 20, 'x');  // Many times what a pipe holds.
  EXPECT_EQ(WriteAll(out.get(), sent), 0);
  out = FileDescriptor();
  reader.join();
  EXPECT_TRUE(received == sent) << received.size();
}

TEST(WriteAllTest, TheReasonIsGivenBack) {
  const FileDescriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(WriteAll(full.get(), "x"), ENOSPC);
  EXPECT_EQ(WriteAll(-1, "x"), EBADF);
  EXPECT_EQ(WriteAll(-1, ""), 0);
}

}  // namespace
}  // namespace rotv
