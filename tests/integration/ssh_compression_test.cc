// Whether a real sshd compresses what it sends, and that no byte changes by it.

#include <gtest/gtest.h>

#include <string>

#include "sync/link/open_link.h"
#include "tests/integration/link_fixture.h"

namespace rotv {
namespace {

using namespace testing;  // NOLINT: the fixture's names.
constexpr size_t kPart = 5'000'000;

// Text that is about as compressible as rows are, from a position on.
std::string RowsFrom(size_t number) {
  std::string rows;
  while (rows.size() < kPart) {
    ++number;
    rows += std::to_string(number) + "\tword" + std::to_string(number * 7919 % 100'003) + "\tnews of today\t\\N\n";
  }
  rows.resize(kPart);
  return rows;
}

// Sends a part of the rows for each byte that comes.
void SendRows(int fd) {
  char byte = 0;
  for (size_t part = 0; recv(fd, &byte, 1, 0) == 1; ++part) SendAll(fd, RowsFrom(part));
}

// The way to such a server.
class SshCompressionTest : public ::testing::Test {
 protected:
  struct Way {
    Compress compress = Compress::kNever;
    std::vector<std::string> config_lines = {};
  };

  void Open(const Way& way) {
    link_.reset();
    parts_ = 0;
    server_ = std::make_unique<SshServer>(SshServerOptions{.config_lines = way.config_lines});
    SourceConfig source = SourceBy(*server_);
    source.port = rows_.port();
    source.compress = way.compress;
    link_ = link::OpenLink(source, private_dir_.path(), interrupt_);
    near_ = Connect(*link_);
  }

  // Takes the next part; returns how many times larger it was than what came through SSH for it.
  double TakePart() {
    const uint64_t before = link_->BytesReceived();
    SendAll(near_.get(), "x");
    std::string part(kPart, '\0');
    size_t got = 0;
    while (got < kPart) {
      const ssize_t more = recv(near_.get(), part.data() + got, kPart - got, 0);
      if (more <= 0) break;
      got += static_cast<size_t>(more);
    }
    EXPECT_TRUE(part == RowsFrom(parts_++)) << "the rows differ";
    return static_cast<double>(kPart) / static_cast<double>(link_->BytesReceived() - before);
  }

  size_t parts_ = 0;
  TcpServer rows_{SendRows};
  std::unique_ptr<SshServer> server_;
  TempDir private_dir_;
  Interrupt interrupt_;
  std::unique_ptr<link::Link> link_;
  FileDescriptor near_;
};

TEST_F(SshCompressionTest, AServerThatForbidsCompressionIsUsedWithout) {
  Open({.compress = Compress::kAlways, .config_lines = {"Compression no"}});
  EXPECT_LT(TakePart(), 1.2);
}

TEST_F(SshCompressionTest, AlwaysAndNeverAreObeyed) {
  Open({.compress = Compress::kAlways});
  for (int i = 0; i < 3; ++i) EXPECT_GT(TakePart(), 2.5);
  near_ = FileDescriptor();
  Open({.compress = Compress::kNever});
  for (int i = 0; i < 2; ++i) EXPECT_LT(TakePart(), 1.2);
}

}  // namespace
}  // namespace rotv
