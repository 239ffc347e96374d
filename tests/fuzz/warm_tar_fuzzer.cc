// The archive of a warm cluster, which comes out of a container: whatever it holds, nothing is written outside of the
// new cluster's directory, and what is kept is what its manifest says.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>

#include "cli/launch/warm_manifest.h"
#include "cli/launch/warm_writer.h"
#include "storage/handle.h"
#include "storage/interrupt.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_directory.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

// What reads from it finds these bytes, and then the end.
FileDescriptor Holding(std::string_view bytes) {
  FileDescriptor file(memfd_create("archive", MFD_CLOEXEC));
  FuzzCheck(file && write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  FuzzCheck(lseek(file.get(), 0, SEEK_SET) == 0);
  return file;
}

void CheckWarmTar(std::string_view bytes) {
  static const FuzzDirectory directory;
  const fs::path made = directory / "new";
  fs::create_directory(made);
  directory.Write("other", "stays");
  const Interrupt interrupt;
  {
    WarmWriter writer(made, FileDescriptor());
    const FileDescriptor archive = Holding(bytes);
    if (writer.Receive(archive.get(), interrupt)) {
      writer.Publish({}, {}, "a server");
      const std::optional<WarmManifest> manifest = ReadWarmManifest(made);
      FuzzCheck(manifest.has_value());
      FuzzCheck(DifferenceInFiles(made / "cluster", *manifest).empty());
      FuzzCheck(DifferenceInBytes(made / "cluster", *manifest, interrupt).empty());
    }
  }
  FuzzCheck(directory.Read("other") == "stays");
  fs::remove_all(made);
  FuzzCheck(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()) == 1);
  // The manifest, which may be damaged: it is understood or disregarded.
  fs::create_directory(made);
  directory.Write("new/manifest.json", bytes);
  (void)ReadWarmManifest(made);
  fs::remove_all(made);
}

}  // namespace
}  // namespace rotv::launch

ROTV_FUZZ_TARGET(warm_tar, rotv::launch::CheckWarmTar)
