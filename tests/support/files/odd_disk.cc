#include "tests/support/files/odd_disk.h"

#include <fstream>
#include <utility>

namespace rotv::testing {

OddDisk::OddDisk(const std::filesystem::path& library, const std::filesystem::path& directory)
    : directory_(std::filesystem::weakly_canonical(directory)) {
  std::filesystem::create_symlink(library, own_ / "odd_disk.so");  // The loader takes no path with a space.
}

Command OddDisk::Prepare(Command command) const {
  std::filesystem::remove(own_ / "calls");
  std::filesystem::remove(record());
  command.env["LD_PRELOAD"] = own_ / "odd_disk.so";
  command.env["ROTV_TEST_DISK_BELOW"] = directory_;
  command.env["ROTV_TEST_DISK_CALLS"] = own_ / "calls";
  return command;
}

Command OddDisk::Noting(Command command) const { return Prepare(std::move(command)); }

Command OddDisk::Failing(Command command, const DiskFault& fault) const {
  command = Prepare(std::move(command));
  command.env["ROTV_TEST_DISK_FAIL_AT"] = std::to_string(fault.at);
  command.env["ROTV_TEST_DISK_ERROR"] = std::to_string(fault.error);
  if (fault.full) command.env["ROTV_TEST_DISK_FULL"] = "yes";
  return command;
}

Command OddDisk::FailingLike(Command command, const std::string& call, int error, const std::string& after) const {
  command = Prepare(std::move(command));
  command.env["ROTV_TEST_DISK_FAIL_LINE"] = call;
  command.env["ROTV_TEST_DISK_ERROR"] = std::to_string(error);
  command.env["ROTV_TEST_DISK_AFTER"] = after;
  return command;
}

Command OddDisk::WithFree(Command command, uint64_t bytes) const {
  command = Prepare(std::move(command));
  command.env["ROTV_TEST_DISK_FREE"] = std::to_string(bytes);
  command.env["ROTV_TEST_DISK_SIZE"] = std::to_string(uint64_t{1} << 30);
  return command;
}

Command OddDisk::RecordedUntil(Command command, long kill_at) const {
  command = Prepare(std::move(command));
  command.env["ROTV_TEST_DISK_RECORD"] = record();
  command.env["ROTV_TEST_DISK_KILL_AT"] = std::to_string(kill_at);
  return command;
}

std::vector<std::string> OddDisk::Calls() const {
  std::ifstream file(own_ / "calls");
  std::vector<std::string> calls;
  for (std::string line; std::getline(file, line);) calls.push_back(line);
  return calls;
}

}  // namespace rotv::testing
