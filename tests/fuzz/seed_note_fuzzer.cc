// The notes beside seeds, and that of a started application: whatever they hold is understood or disregarded; a seed
// is removed only if its note is about it; what is understood can be written again.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cli/launch/launch_state.h"
#include "cli/launch/seed_file.h"
#include "os/file_fingerprint.h"
#include "storage/interrupt.h"
#include "sync/context/context.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_directory.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/no_progress.h"

namespace rotv::launch {
namespace {

void CheckSeedNote(const FuzzDirectory& directory, std::string_view bytes) {
  const std::string seed = "seed-data-fuzz.sql";
  directory.Write(seed, "SELECT 1;\n");
  directory.Write(seed + ".json", bytes);
  const std::string fingerprint = os::FileFingerprint(directory / seed).value_or("");
  FuzzCheck(!fingerprint.empty());
  SourceConfig source;
  source.name = "production";
  source.is_default = true;
  testing::NoProgress progress;
  const Interrupt interrupt;
  const Context context{.source = source, .home = directory.path(), .progress = progress, .interrupt = interrupt};
  RemoveSeedOf(context, "fuzz");
  const bool about_it = bytes.find(fingerprint) != std::string_view::npos;
  FuzzCheck(about_it || std::filesystem::exists(directory / seed));
  ForgetSeeds(directory.path());
  // The note says from now on that the seed is ours, and nothing of it.
  FuzzCheck(nlohmann::json::parse(directory.Read(seed + ".json")).at("file") == "");
}

void CheckLaunchState(const FuzzDirectory& directory, std::string_view bytes) {
  std::filesystem::create_directory(directory / "run");
  directory.Write("run/app.json", bytes);
  const std::optional<LaunchState> state = ReadLaunchState(directory.path());
  if (!state) return;
  // A number that is not whole, or too great to be, has no meaning in it.
  const nlohmann::json document = nlohmann::json::parse(bytes);
  for (const nlohmann::json& value : document) FuzzCheck(!value.is_number_float());
  WriteLaunchState(directory.path(), *state);
  const std::string written = directory.Read("run/app.json");
  const std::optional<LaunchState> again = ReadLaunchState(directory.path());
  FuzzCheck(again.has_value());
  WriteLaunchState(directory.path(), *again);
  FuzzCheck(directory.Read("run/app.json") == written);
}

void CheckNotes(std::string_view bytes) {
  static const FuzzDirectory directory;
  CheckSeedNote(directory, bytes);
  CheckLaunchState(directory, bytes);
}

}  // namespace
}  // namespace rotv::launch

ROTV_FUZZ_TARGET(seed_note, rotv::launch::CheckNotes)
