// `current` and `owned`: any bytes are what was written, or damage (exit code 7); a changed bit is noticed; no store is
// removed because of them. An input is the two records, the size of the first one before it.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "storage/checked_file.h"
#include "storage/workspace.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_directory.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

void CheckCheckedFile(const FuzzDirectory& directory, std::string_view bytes) {
  directory.Write("checked", bytes);
  std::optional<CheckedContent> read;
  if (AcceptedOr(ErrorCode::kCorrupt, [&] { read = ReadCheckedFile(directory / "checked"); })) {
    FuzzCheck(read.has_value());
    if (read->checked) {
      WriteCheckedFile(directory / "checked", read->content);
      FuzzCheck(directory.Read("checked") == bytes);
    } else {
      FuzzCheck(read->content == bytes);
    }
  }
  WriteCheckedFile(directory / "checked", bytes);
  read = ReadCheckedFile(directory / "checked");
  FuzzCheck(read && read->checked && read->content == bytes);
  // One bit of it is another one, and it is not one of those that say that there is a checksum.
  std::string changed = directory.Read("checked");
  constexpr size_t kMagic = 17;
  const size_t bit = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]) * 31U;
  const size_t at = kMagic + bit / 8 % (changed.size() - kMagic);
  changed[at] = static_cast<char>(changed[at] ^ 1 << bit % 8);
  directory.Write("checked", changed);
  FuzzCheck(!AcceptedOr(ErrorCode::kCorrupt, [&] { (void)ReadCheckedFile(directory / "checked"); }));
}

// Stores stay where they are, whatever the records say: none of them is known to be of no use.
void CheckWorkspace(const FuzzDirectory& directory, std::string_view current, std::string_view owned) {
  const fs::path source = directory / "sources/s";
  fs::remove_all(source);
  fs::create_directories(source / "store-1");
  fs::create_directories(source / "store-2");
  directory.Write("sources/s/current", current);
  if (!owned.empty()) directory.Write("sources/s/owned", owned);
  AcceptedOr(ErrorCode::kCorrupt, [&] {
    const Workspace workspace(directory.path(), "s", "fuzz");
    FuzzCheck(workspace.current().has_value());
    const std::optional<proto::CurrentStore> again = ReadCurrent(directory.path(), "s");
    FuzzCheck(again && again->SerializeAsString() == workspace.current()->SerializeAsString());
    (void)workspace.Leftovers();
  });
  FuzzCheck(fs::exists(source / "store-1") && fs::exists(source / "store-2"));
  (void)AllRecordedObjects(directory.path());
}

std::string WithChecksum(const FuzzDirectory& directory, std::string_view content) {
  WriteCheckedFile(directory / "framed", content);
  return directory.Read("framed");
}

void CheckRecords(std::string_view bytes) {
  static const FuzzDirectory directory;
  CheckCheckedFile(directory, bytes);
  FuzzInput input(bytes);
  const std::string_view current = input.Bytes(static_cast<size_t>(input.Byte()) * 4), owned = input.Rest();
  if (bytes.size() % 2 == 0) {
    CheckWorkspace(directory, bytes, {});
  } else {
    CheckWorkspace(directory, WithChecksum(directory, current), WithChecksum(directory, owned));
  }
}

}  // namespace
}  // namespace rotv

ROTV_FUZZ_TARGET(source_records, rotv::CheckRecords)
