// What a store keeps outside of its rows: `current` and `owned`, the seal, the change log, and the manifest. Any bytes
// are what was written, or damage (exit code 7); nothing of a source is removed because of them; a changed bit is
// noticed.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "storage/change_log.h"
#include "storage/checked_file.h"
#include "storage/compress.h"
#include "storage/epochs.h"
#include "storage/garbage.h"
#include "storage/store_seal.h"
#include "storage/store_state.h"
#include "storage/workspace.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_directory.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSealSlot = 512;

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

void CheckSeal(const FuzzDirectory& directory, std::string_view bytes) {
  const fs::path place = directory / "store";
  fs::remove_all(place);
  fs::create_directory(place);
  directory.Write("store/seal", bytes);
  std::optional<Seal> seal;
  const bool valid = AcceptedOr(ErrorCode::kCorrupt, [&] { seal = ReadSeal(place); });
  FuzzCheck(!valid || seal.has_value());
  // Whatever was there, a state that is sealed is the one that is read, if its number is greater.
  const uint64_t number = (valid ? seal->state_number : 0) % (UINT64_MAX / 2) + 1;
  proto::StoredFiles files;
  files.set_manifest_number(bytes.size());
  files.set_manifest_bytes(7);
  (*files.mutable_log_bytes())[bytes.size() + 3] = 1;
  SealFile file(place);
  if (valid && seal->state_number >= number) return;
  file.Write(number, files);
  const std::optional<Seal> first = ReadSeal(place);
  FuzzCheck(first && first->state_number == number && first->manifest_number == bytes.size() &&
            first->oldest_log == bytes.size() + 3);
  file.Write(number + 1, files);
  // A torn write of the last one leaves the one before.
  std::string torn = directory.Read("store/seal");
  torn[(number + 1) % 2 * kSealSlot + bytes.size() % 48] ^= 1;
  directory.Write("store/seal", torn);
  const std::optional<Seal> before = ReadSeal(place);
  FuzzCheck(before && before->state_number == number);
}

void CheckChunk(std::string_view bytes) {
  AcceptedOr(ErrorCode::kCorrupt, [&] { (void)DecodeLogChunk(bytes); });
  AcceptedOr(ErrorCode::kCorrupt, [&] {
    const proto::LogChunk chunk = DecodeLogChunk(ZstdCompress(bytes));
    FuzzCheck(DecodeLogChunk(ZstdCompress(chunk.SerializeAsString())).transactions_size() == chunk.transactions_size());
  });
  FuzzCheck(ZstdDecompress(ZstdCompress(bytes)) == bytes);
}

// The transitions of a state either refuse what a manifest says, or keep their promises.
void CheckManifest(std::string_view bytes) {
  proto::Manifest manifest;
  if (!manifest.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  StoreState state = StoreState::FromStored(manifest);
  FuzzCheck(state.manifest().SerializeAsString() == manifest.SerializeAsString());
  const Lsn head = state.head_lsn();
  for (const auto& [table, epoch] : EpochsAt(manifest, head)) (void)epoch;
  std::set<TableId> tables;
  for (const proto::TableHistory& history : manifest.tables()) tables.insert(history.table());
  AcceptedOr(ErrorCode::kBug, [&] {
    state.BeginPull();
    state.Advance(head);
    for (const TableId table : tables) FuzzCheck(state.Truncate(table, head) == state.CurrentEpoch(table));
    state.EndIncrementalPull({});
    FuzzCheck(state.head_lsn() == state.durable_lsn() && state.durable_lsn() == head);
  });
  StoreState other = StoreState::FromStored(manifest);
  AcceptedOr(ErrorCode::kBug, [&] {
    other.BeginCollection(Retention({head}, head), tables, head, 0);
    other.EndCollection(1);
    FuzzCheck(other.manifest().dropping().empty() && !other.manifest().collecting());
    // The head can be read as before.
    if (tables.size() == static_cast<size_t>(manifest.tables_size()) && head > Lsn()) {
      for (const auto& [table, epoch] : EpochsAt(other.manifest(), head)) FuzzCheck(tables.count(table) != 0);
    }
  });
}

void CheckAllFiles(std::string_view bytes) {
  static const FuzzDirectory directory;
  CheckCheckedFile(directory, bytes);
  FuzzInput input(bytes);
  const size_t size = static_cast<size_t>(input.Byte()) * 4;
  const std::string current(input.Bytes(size)), owned(input.Rest());
  CheckWorkspace(directory, bytes, {});
  WriteCheckedFile(directory / "framed", current);
  const std::string framed_current = directory.Read("framed");
  WriteCheckedFile(directory / "framed", owned);
  CheckWorkspace(directory, framed_current, directory.Read("framed"));
  CheckWorkspace(directory, current, owned);
  CheckSeal(directory, bytes);
  CheckChunk(bytes);
  CheckManifest(bytes);
}

}  // namespace
}  // namespace rotv

ROTV_FUZZ_TARGET(stored_files, rotv::CheckAllFiles)
