#include "cli/launch/seed_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "cli/launch/seed_note.h"
#include "cli/launch/store_update.h"
#include "cli/output/format.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/file_checksum.h"
#include "storage/handle.h"
#include "sync/baseline.h"
#include "sync/pull.h"
#include "sync/seed_roles.h"

namespace rotv::launch {
namespace {

// The seed of a snapshot where no source says which is the default: of the plain names, the first one that is there;
// else empty.
std::filesystem::path SeedPathWithoutSource(const std::filesystem::path& home, const std::string& snapshot) {
  const std::string name = snapshot == "head" ? "seed-data.sql" : fmt::format("seed-data-{}.sql", snapshot);
  for (const char* ending : {"", ".zst", ".gz"}) {
    if (std::filesystem::exists(home / (name + ending))) return home / (name + ending);
  }
  return {};
}

std::filesystem::path KeptName(const std::filesystem::path& path) {
  const std::string name = path.filename();
  const size_t ending = std::min(name.rfind(".sql"), name.size());
  for (int number = 1;; ++number) {
    const std::string kept = number == 1 ? ".kept" : fmt::format(".kept-{}", number);
    std::filesystem::path other = path.parent_path() / (name.substr(0, ending) + kept + name.substr(ending));
    if (!std::filesystem::exists(other)) return other;
  }
}

// Gives a seed that was put there by hand another name, so that it is not replaced.
void KeepForeignSeed(const std::filesystem::path& path, Progress& progress) {
  const Interrupt none;
  if (LookAtSeed(path, none).whose != Whose::kForeign) return;
  const std::filesystem::path kept = KeptName(path);
  std::filesystem::rename(path, kept);
  progress.Warn(
      fmt::format("{} was there, and rotv did not write it: it is {} now", path.native(), kept.filename().native()));
}

// Held while seeds of a home are prepared: two starts would write the same file, and describe each other's.
class SeedTurn {
 public:
  explicit SeedTurn(const Context& context) {
    const std::filesystem::path path = context.home / "run" / "seeds.lock";
    std::filesystem::create_directories(path.parent_path());
    file_ = OpenOrCreateFile(path, O_RDWR);
    for (bool said = false; flock(file_.get(), LOCK_EX | LOCK_NB) != 0; said = true) {
      context.interrupt.Check();
      if (!said) context.progress.Say("waiting for another start, which prepares a seed");
      std::this_thread::sleep_for(std::chrono::milliseconds(Interrupt::kPollMs));
    }
  }

 private:
  FileDescriptor file_;
};

// The seed's file; that of a time is known only once it is resolved. One that somebody put there may have another
// compression than ours would have.
std::filesystem::path PathFor(const Context& context, const SeedRequest& request) {
  const SeedRows rows = request.subset ? SeedRows::kSubset : SeedRows::kAll;
  std::filesystem::path usual = SeedPath(context, request.snapshot, Lsn(), request.compression, rows);
  if (std::filesystem::exists(usual)) return usual;
  for (Compression other : {Compression::kNone, Compression::kZstd, Compression::kGzip}) {
    std::filesystem::path path = SeedPath(context, request.snapshot, Lsn(), other, rows);
    if (!request.pull && std::filesystem::exists(path) && !std::filesystem::exists(SeedNotePath(path))) return path;
  }
  return usual;
}

// The seed at a path if we wrote it of this source.
std::optional<Seed> OwnSeedAt(const Context& context, const std::filesystem::path& path) {
  FoundSeed found = LookAtSeed(path, context.interrupt);
  const bool is_ours = found.whose == Whose::kOurs || found.whose == Whose::kSetBack;
  return is_ours && found.seed->source == context.source.name ? found.seed : std::nullopt;
}

Seed UseForeign(Seed seed, Progress& progress, const Interrupt& interrupt) {
  progress.Say(fmt::format("using {} as it is there, since rotv did not write it; rotv start --pull writes a new one",
                           seed.path.native()));
  seed.roles = RolesOfSeed(seed.path, interrupt);
  return seed;
}

Seed UseSetBack(Seed seed, Progress& progress) {
  progress.Say(fmt::format("using {} as it is there, since its time was set back; rotv start --pull writes a new one",
                           seed.path.native()));
  return seed;
}

std::string FingerprintFor(const Context& context, const SeedRequest& request) {
  return request.subset ? SubsetFingerprint(context.source.subset) : "";
}

StoreBroughtUp BringUp(const Context& context, const SeedRequest& request) {
  const std::filesystem::path path = PathFor(context, request);
  FoundSeed found = LookAtSeed(path, context.interrupt);
  if (found.whose == Whose::kForeign && !request.pull) {
    return {UseForeign(*std::move(found.seed), context.progress, context.interrupt)};
  }
  const bool is_ours = found.whose == Whose::kOurs || found.whose == Whose::kSetBack;
  std::optional<Seed> there = is_ours ? found.seed : std::nullopt;
  if (there && there->source != context.source.name) there.reset();
  if (there && there->subset != FingerprintFor(context, request)) there.reset();  // [subset] was changed since.
  if (there && found.whose == Whose::kSetBack && !request.pull) return {UseSetBack(*there, context.progress)};
  if (!HasBaseline(context)) {
    try {
      TakeFirst(context);
    } catch (const Error& error) {
      const bool usable = found.whose == Whose::kForeign || (there && HasItsBytes(*there, context.interrupt));
      if (!usable || !IsTheSources(error)) throw;
      context.progress.Warn(fmt::format("using the existing seed: {} ({})", error.what(), error.hint()));
      if (there) return {*there};
      return {UseForeign(*std::move(found.seed), context.progress, context.interrupt)};
    }
  } else if (request.pull && !context.source.imported) {
    PullIntoStore(context);
  }
  return {.needs_seed = found.whose == Whose::kForeign || found.whose == Whose::kSetBack};
}

Seed Make(const Context& context, const SeedRequest& request) {
  std::optional<Seed> there;
  const std::string subset = FingerprintFor(context, request);
  // The name is resolved once: a seed that is there and one that is written are of the same point.
  const auto is_there = [&](const std::filesystem::path& target, const history::ResolvedPoint& point) {
    there = OwnSeedAt(context, target);
    const bool is_same = there && there->point.lsn == point.lsn && BaselineName(there->point) == BaselineName(point) &&
                         there->subset == subset;
    if (is_same) {
      if (request.is_checked_by_caller || HasItsBytes(*there, context.interrupt)) return true;
      context.progress.Warn(fmt::format("{} was damaged since it was written: writing it again", target.native()));
    }
    BeginSeed(target, context.progress);
    return false;
  };
  MaterializeResult made = Materialize(context, {.output = {},
                                                 .point = request.snapshot,
                                                 .compression = request.compression,
                                                 .psql_version = request.psql_version,
                                                 .subset = request.subset,
                                                 .is_there = is_there});
  if (!made.written) return *there;
  return NoteSeed(context, made, request.snapshot);
}

}  // namespace

Seed PrepareSeed(const Context& context, const SeedRequest& request) {
  const SeedTurn turn(context);
  if (std::optional<Seed> as_it_is = BringUp(context, request).as_it_is) return *std::move(as_it_is);
  return Make(context, request);
}

bool StoreIsEnough(const Context& context, const SeedRequest& request) {
  if (request.pull || !HasBaseline(context)) return false;
  const Whose whose = LookAtSeed(PathFor(context, request), context.interrupt).whose;
  return whose != Whose::kForeign && whose != Whose::kSetBack;
}

StoreBroughtUp BringStoreUp(const Context& context, const SeedRequest& request) {
  const SeedTurn turn(context);
  return BringUp(context, request);
}

Seed MakeSeed(const Context& context, const SeedRequest& request) {
  const SeedTurn turn(context);
  return Make(context, request);
}

bool HasSeedWithoutSource(const std::filesystem::path& home, const std::string& snapshot) {
  return !SeedPathWithoutSource(home, snapshot).empty();
}

Seed SeedWithoutSource(const std::filesystem::path& home, const std::string& snapshot, Progress& progress,
                       const Interrupt& interrupt) {
  const std::filesystem::path path = SeedPathWithoutSource(home, snapshot);
  FoundSeed found = LookAtSeed(path, interrupt);
  if (found.whose == Whose::kForeign) return UseForeign(*std::move(found.seed), progress, interrupt);
  if (found.whose == Whose::kSetBack) return UseSetBack(*found.seed, progress);
  if (found.whose == Whose::kUnknown) return UseForeign(ForeignSeed(path), progress, interrupt);
  if (!found.seed) throw Error(ErrorCode::kUsage, fmt::format("there is no seed in {}", home.native()), "rotv seed");
  progress.Say(fmt::format("no source is configured: using {} as it is there", path.native()));
  return *found.seed;
}

void BeginSeed(const std::filesystem::path& path, Progress& progress) {
  KeepForeignSeed(path, progress);
  MarkSeedAsReplaced(path);
}

Seed NoteSeed(const Context& context, const MaterializeResult& made, const std::string& point) {
  // A time means another point tomorrow, its LSN does not.
  const bool is_name = history::NameOfPoint(point, made.point.lsn) == point;
  Seed seed{.path = made.path,
            .source = context.source.name,
            .snapshot = is_name ? point : made.point.lsn.ToString(),
            .point = made.point,
            .sql_bytes = made.bytes,
            .written = true,
            .sum = ChecksumText(made.checksum),
            .roles = made.roles,
            .facts = made.facts,
            .subset = made.subset,
            .fresh_us = made.point.time_us};
  WriteSeedNote(seed);
  return seed;
}

void RemoveSeedOf(const Context& context, const std::string& snapshot) {
  for (Compression compression : {Compression::kNone, Compression::kZstd, Compression::kGzip}) {
    for (SeedRows rows : {SeedRows::kAll, SeedRows::kSubset}) {
      std::filesystem::path path = SeedPath(context, snapshot, Lsn(), compression, rows);
      if (ReadSeedNote(path)) RemoveSeed(path);  // Else it is not ours.
    }
  }
}

void RemoveSeedsOfSource(const std::filesystem::path& home, const std::string& source) {
  for (const SeedInHome& seed : SeedsIn(home)) {
    if (seed.is_ours && seed.source == source) RemoveSeed(seed.path);
  }
}

std::vector<SeedInHome> SeedsIn(const std::filesystem::path& home) {
  std::vector<SeedInHome> seeds;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(home, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("seed-data") || name.ends_with(kSeedNoteEnding) || !entry.is_regular_file(error)) continue;
    SeedInHome seed{.path = entry.path(), .bytes = entry.file_size(error)};
    if (const std::optional<Seed> ours = ReadSeedNote(entry.path())) {
      seed.is_ours = true;
      seed.source = ours->source;
      seed.point = ours->point;
    }
    seeds.push_back(std::move(seed));
  }
  std::sort(seeds.begin(), seeds.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return seeds;
}

void RemoveSeed(const std::filesystem::path& path) {
  std::filesystem::remove(path);
  std::filesystem::remove(SeedNotePath(path));
}

std::vector<DamagedFile> FindDamagedSeeds(const std::filesystem::path& home, const Interrupt& interrupt) {
  std::vector<DamagedFile> damaged;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(home, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("seed-data") || !name.ends_with(kSeedNoteEnding)) continue;
    const std::filesystem::path path = home / name.substr(0, name.size() - std::string_view(kSeedNoteEnding).size());
    if (!ReadCheckedNote(entry.path())) {
      damaged.push_back({entry.path(), "it is not what was written"});
    } else if (const std::optional<Seed> seed = ReadSeedNote(path); seed && !HasItsBytes(*seed, interrupt)) {
      damaged.push_back({path, "its bytes have changed, but not its time"});
    }
  }
  return damaged;
}

void ForgetSeeds(const std::filesystem::path& home) {
  for (const auto& entry : std::filesystem::directory_iterator(home)) {
    std::string name = entry.path().filename();
    if (!name.starts_with("seed-data") || !name.ends_with(kSeedNoteEnding)) continue;
    ForgetSeedNote(entry.path());
  }
}

int64_t DaysOld(int64_t data_time_us, int64_t now_us) {
  constexpr int64_t kDayUs = int64_t{24} * 60 * 60 * 1'000'000;
  return (now_us - data_time_us) / kDayUs;
}

}  // namespace rotv::launch
