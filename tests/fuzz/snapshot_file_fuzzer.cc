// A snapshot's file is read as it was written, or refused; what is accepted can be written again, and reads the same.
// An input is a file, and the content of one: records, each after its length.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/snapshot_file.pb.h"
#include "storage/compress.h"
#include "sync/history/snapshot_file.h"
#include "sync/history/snapshot_signature.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_directory.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::history {
namespace {

// All records; none if the file was refused.
std::optional<std::vector<proto::SnapshotRecord>> ReadAll(const std::filesystem::path& path) {
  std::vector<proto::SnapshotRecord> records;
  try {
    SnapshotFileReader reader(path, nullptr);
    for (proto::SnapshotRecord record; reader.Next(&record);) records.push_back(record);
    FuzzCheck(reader.bytes_read() == std::filesystem::file_size(path));
  } catch (const Error& error) {
    // A file that is none, or one of a later program, is an error of use; anything after its beginning is damage.
    FuzzCheck(error.code() == ErrorCode::kCorrupt || (error.code() == ErrorCode::kUsage && records.empty()));
    return std::nullopt;
  }
  return records;
}

void CheckFile(const FuzzDirectory& directory, std::string_view bytes) {
  directory.Write("file.rotv", bytes);
  const std::optional<std::vector<proto::SnapshotRecord>> records = ReadAll(directory / "file.rotv");
  if (!records) return;
  FuzzCheck(!records->empty() && records->front().has_head() &&
            records->front().head().format() == kSnapshotFileFormat);
  SnapshotFileWriter writer(directory / "again.rotv", nullptr);
  for (const proto::SnapshotRecord& record : *records) writer.Write(record);
  writer.Commit();
  const std::optional<std::vector<proto::SnapshotRecord>> again = ReadAll(directory / "again.rotv");
  FuzzCheck(again && again->size() == records->size());
  for (size_t i = 0; i < records->size(); ++i) {
    FuzzCheck((*again)[i].SerializeAsString() == (*records)[i].SerializeAsString());
  }
  // Without its last byte it is no whole file.
  const std::string whole = directory.Read("again.rotv");
  directory.Write("cut.rotv", std::string_view(whole).substr(0, whole.size() - 1));
  FuzzCheck(!ReadAll(directory / "cut.rotv"));
}

void CheckSnapshotFile(std::string_view bytes) {
  static const FuzzDirectory directory;
  CheckFile(directory, bytes);
  CheckFile(directory, ZstdCompress(bytes));
  // No bytes are signed by a key that did not sign them.
  const PublicKey key{};
  try {
    const SnapshotFileReader reader(directory / "file.rotv", &key);
    FuzzCheck(false);
  } catch (const Error& error) {
    FuzzCheck(error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kUsage);
  }
}

}  // namespace
}  // namespace rotv::history

ROTV_FUZZ_TARGET(snapshot_file, rotv::history::CheckSnapshotFile)
