#include "storage/open_files.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "storage/error.h"

namespace rotv {
namespace {

// The store's files, eight connections with both ends of their tunnels, two pg_dumps, and what the libraries open.
constexpr rlim_t kFewest = 128;
// Programs that use select() cannot have more.
constexpr rlim_t kUsual = 1024;

constexpr const char* kHint = "allow more: ulimit -n 1024 in the shell (in a systemd unit: LimitNOFILE=1024)";

rlimit Limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) limit = {kUsual, kUsual};
  return limit;
}

}  // namespace

void RequireOpenFiles() {
  rlimit limit = Limit();
  if (limit.rlim_cur < kUsual) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = std::min(limit.rlim_max, kUsual);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  if (limit.rlim_cur >= kFewest) return;
  throw Error(ErrorCode::kCannotStart,
              fmt::format("only {} files may be open at once, and {} are needed", limit.rlim_cur, kFewest), kHint);
}

size_t OpenFilesLimit() { return Limit().rlim_cur; }

Error TooManyFiles(const std::string& what) {
  return {ErrorCode::kCannotStart, fmt::format("{}: too many files are open", what), kHint};
}

}  // namespace rotv
