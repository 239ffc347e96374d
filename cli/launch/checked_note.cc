#include "cli/launch/checked_note.h"

#include <string>

#include "cli/output/json_record.h"
#include "cli/output/output.h"
#include "storage/atomic_file.h"
#include "storage/file_checksum.h"

namespace rotv::launch {
namespace {

constexpr const char* kCheck = "check";
constexpr const char* kSum = "sum";

std::string CheckOf(nlohmann::json note) {
  note.erase(kCheck);
  FileChecksum checksum;
  checksum.Add(note.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return ChecksumText(checksum.value());
}

}  // namespace

void WriteCheckedNote(const std::filesystem::path& path, nlohmann::json note) {
  note[kCheck] = CheckOf(note);
  WriteFileAtomically(path, output::JsonText(note));
}

std::optional<nlohmann::json> ReadCheckedNote(const std::filesystem::path& path) {
  std::optional<nlohmann::json> note = output::ReadJsonRecord(path);
  if (!note) return std::nullopt;
  const bool is_older = !note->contains(kCheck) && !note->contains(kSum);
  if (!is_older && note->value(kCheck, nlohmann::json()) != CheckOf(*note)) return std::nullopt;
  return note;
}

}  // namespace rotv::launch
