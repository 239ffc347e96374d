#include "cli/launch/checked_note.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/support/files/temp_dir.h"

namespace rotv::launch {
namespace {

const nlohmann::json kNote = {{"file", "17-4096-1"}, {"sum", "00112233aabbccdd"}, {"lsn", "0/1A2B3C0"}, {"bytes", 7}};

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(CheckedNoteTest, ANoteIsWhatWasWrittenOrIsNotThere) {
  const testing::TempDir directory;
  const std::filesystem::path path = directory / "note.json";
  EXPECT_EQ(ReadCheckedNote(path), std::nullopt);
  WriteCheckedNote(path, kNote);
  nlohmann::json whole = ReadCheckedNote(path).value();
  const std::string text = Content(path);
  for (size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      std::ofstream(path, std::ios::trunc) << changed;
      const std::optional<nlohmann::json> read = ReadCheckedNote(path);
      // A blank that becomes another one changes nothing.
      EXPECT_EQ(read.value_or(whole), whole) << at << " " << bit << ": " << changed;
    }
    std::ofstream(path, std::ios::trunc) << text.substr(0, at);
    // Without the line feed at its end it is whole.
    EXPECT_EQ(ReadCheckedNote(path).has_value(), at + 1 == text.size()) << at;
  }
  whole.erase("check");
  EXPECT_EQ(whole, kNote);
}

TEST(CheckedNoteTest, ANoteOfAnOlderProgramIsRead) {
  const testing::TempDir directory;
  std::ofstream(directory / "note.json") << R"({"file": "17-4096-1", "lsn": "0/1"})";
  EXPECT_EQ(ReadCheckedNote(directory / "note.json").value().at("lsn"), "0/1");
  std::ofstream(directory / "note.json") << R"({"file": "17-4096-1", "lsn": "0/1", "sum": "0"})";
  EXPECT_EQ(ReadCheckedNote(directory / "note.json"), std::nullopt);
}

}  // namespace
}  // namespace rotv::launch
