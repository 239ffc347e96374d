// The seal of a store: any bytes are a seal or damage; a state that is sealed is read, and a torn write leaves the one
// before.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "storage/store_seal.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_directory.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSealSlot = 512;

void CheckSeal(std::string_view bytes) {
  static const FuzzDirectory directory;
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

}  // namespace
}  // namespace rotv

ROTV_FUZZ_TARGET(store_seal, rotv::CheckSeal)
