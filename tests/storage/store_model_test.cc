// The store against a model of it: random walks through all that pulls, resyncs, gc and crashes do. A failure names the
// seed, and a file with the shortest walk that was found to fail. Again, by either:
//
//   ROTV_STORE_SEED=17 build/dev/tests/storage_test --gtest_filter='StoreModelTest.AFresh*'
//   ROTV_STORE_STEPS=/tmp/rotv-store-walk-17 build/dev/tests/storage_test --gtest_filter='StoreModelTest.AFresh*'

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>

#include "storage/handle.h"
#include "tests/storage/store_fixture.h"
#include "tests/storage/store_walk.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::Step;
using testing::StoreWalk;
using testing::TempDir;
using Clock = std::chrono::steady_clock;

// Memory in place of a disk: syncing is not what is tested here, and takes most of the time.
fs::path FastPlace() {
  constexpr uintmax_t kEnough = uintmax_t{1} << 30;
  std::error_code error;
  const bool usable = access("/dev/shm", W_OK) == 0 && fs::space("/dev/shm", error).available >= kEnough && !error;
  return usable ? "/dev/shm" : "/tmp";
}

std::vector<Step> Walk(uint64_t seed, uint64_t count) {
  std::vector<Step> steps;
  for (uint64_t i = 0; i < count; ++i) steps.push_back(testing::RandomStep(seed, i));
  return steps;
}

struct Failure {
  size_t steps = 0;  // Up to and with the one that failed.
  std::string what;
};

std::optional<Failure> Run(const std::vector<Step>& steps) {
  TempDir directory(testing::TempDirName::kPlain, FastPlace());
  size_t done = 0;
  try {
    StoreWalk walk(directory / "store", StoreWalk::With::kStore);
    for (; done < steps.size(); ++done) walk.Do(steps[done]);
    walk.CheckAll();
  } catch (const std::exception& error) {
    return Failure{std::min(done + 1, steps.size()), error.what()};
  }
  return std::nullopt;
}

// Leaves out steps for as long as the walk fails without them, in ever smaller parts, for at most this time.
std::vector<Step> Shortened(std::vector<Step> steps, std::chrono::seconds most) {
  const Clock::time_point end = Clock::now() + most;
  for (size_t part = steps.size() / 2; part > 0; part /= 2) {
    for (size_t at = 0; at < steps.size() && Clock::now() < end;) {
      std::vector<Step> fewer = steps;
      fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(at),
                  fewer.begin() + static_cast<ptrdiff_t>(std::min(at + part, fewer.size())));
      if (const std::optional<Failure> failure = Run(fewer)) {
        fewer.resize(failure->steps);
        steps = std::move(fewer);
      } else {
        at += part;
      }
    }
  }
  return steps;
}

void ExpectAgreement(uint64_t seed, const std::vector<Step>& steps) {
  const std::optional<Failure> failure = Run(steps);
  if (!failure) return;
  std::cerr << "seed " << seed << ", step " << failure->steps << ": " << failure->what << "; shortening it"
            << std::endl;
  const std::vector<Step> first(steps.begin(), steps.begin() + static_cast<ptrdiff_t>(failure->steps));
  const std::vector<Step> few = Shortened(first, std::chrono::seconds(60));
  const std::string file = "/tmp/rotv-store-walk-" + std::to_string(seed);
  std::ofstream out(file);
  for (const Step& step : few) out << step.what << ' ' << step.a << ' ' << step.b << ' ' << step.c << '\n';
  ADD_FAILURE() << "seed " << seed << ", step " << failure->steps << ": " << failure->what << "\n"
                << few.size() << " steps of it are enough, see " << file;
}

std::vector<Step> StepsIn(const std::string& file) {
  std::ifstream in(file);
  std::vector<Step> steps;
  for (Step step; in >> step.what >> step.a >> step.b >> step.c;) steps.push_back(step);
  return steps;
}

uint64_t Number(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::stoull(text);
}

TEST(StoreModelTest, FixedSeedsReadAsTheModelSays) {
  for (uint64_t seed = 1; seed <= 2; ++seed) ExpectAgreement(seed, Walk(seed, 5'000));
}

TEST(StoreModelTest, AFreshSeedReadsAsTheModelSays) {
  if (const char* file = std::getenv("ROTV_STORE_STEPS")) return ExpectAgreement(0, StepsIn(file));
  const uint64_t seed = Number("ROTV_STORE_SEED", std::random_device()());
  ExpectAgreement(seed, Walk(seed, Number("ROTV_STORE_COUNT", 10'000)));
}

// A million steps and more, each walk with a store of its own.
TEST(StoreModelTest, SoakOfManySeeds) {
  const auto minutes = std::chrono::minutes(Number("ROTV_SOAK_MINUTES", 1));
  const uint64_t first = Number("ROTV_STORE_SEED", std::random_device()());
  constexpr uint64_t kSteps = 20'000;
  uint64_t seed = first;
  for (const Clock::time_point end = Clock::now() + minutes; Clock::now() < end && !HasFailure(); ++seed) {
    ExpectAgreement(seed, Walk(seed, kSteps));
  }
  std::cout << (seed - first) * kSteps << " steps of " << seed - first << " walks" << std::endl;
}

// --- Kills

// The number of steps that a child has completed, in memory that outlives it.
class Progress {
 public:
  explicit Progress(const fs::path& file) {
    FileDescriptor fd(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd || ftruncate(fd.get(), sizeof(std::atomic<uint64_t>)) != 0) throw std::runtime_error("no progress file");
    void* memory = mmap(nullptr, sizeof(std::atomic<uint64_t>), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
    count_ = static_cast<std::atomic<uint64_t>*>(memory);
  }
  ~Progress() { munmap(count_, sizeof(std::atomic<uint64_t>)); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  std::atomic<uint64_t>& count() { return *count_; }

 private:
  std::atomic<uint64_t>* count_;
};

// What a child does before it goes on: the steps up to `end`, after which a kill took back so many published states.
struct Life {
  uint64_t end = 0;
  size_t back = 0;
};

// The child goes the walk again without a store, opens the store, and goes on until it is killed.
void Child(const fs::path& path) {
  std::ifstream script(path / "script");
  uint64_t seed = 0, next = 0;
  script >> seed;
  StoreWalk walk(path / "store", StoreWalk::With::kModel);
  for (Life life; script >> life.end >> life.back;) {
    for (; next < life.end; ++next) walk.Do(testing::RandomStep(seed, next));
    walk.RevertBy(life.back);
  }
  Progress progress(path / "progress");
  try {
    walk.OpenToBeKilled();
    for (;; ++next) {
      walk.Do(testing::RandomStep(seed, next));
      progress.count() = next + 1;
    }
  } catch (const std::exception& error) {
    std::cerr << "step " << next << ": " << error.what() << std::endl;
    _exit(1);
  }
}

const auto* const kChildren = ::testing::AddGlobalTestEnvironment(new testing::ChildEnvironment({{"walk", Child}}));

// Kills the process that walks at any moment, also while it opens the store, and looks at what is left.
void KillChildren(uint64_t seed, int kills) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  TempDir directory(testing::TempDirName::kPlain, FastPlace());
  { StoreWalk baseline(directory / "store", StoreWalk::With::kStore); }
  StoreWalk walk(directory / "store", StoreWalk::With::kModel);
  Progress progress(directory / "progress");
  std::mt19937_64 random(seed);
  std::ostringstream script;
  script << seed << '\n';
  uint64_t next = 0;
  for (int kill = 0; kill < kills; ++kill) {
    testing::WriteFile(directory / "script", script.str());
    testing::Process child(testing::RoleCommand("walk", directory.path()));
    const uint64_t least = next + (kill % 4 == 0 ? 0 : random() % 600);
    testing::WaitUntil([&] { return progress.count() >= least || !child.Running(); });
    usleep(static_cast<useconds_t>(random() % (kill % 4 == 0 ? 40'000 : 2'000)));
    child.Signal(SIGKILL);
    const testing::Result result = child.Wait();
    ASSERT_EQ(result.exit_status, 128 + SIGKILL) << result.err;
    // The step after the last complete one may have been done in part.
    const uint64_t end = std::max<uint64_t>(progress.count(), next) + 1;
    for (; next < end; ++next) walk.Do(testing::RandomStep(seed, next));
    try {
      const size_t back = walk.RevertToStore();
      script << end << ' ' << back << '\n';
      walk.CheckStore();
    } catch (const std::exception& error) {
      FAIL() << "after kill " << kill << ", step " << end << ": " << error.what();
    }
  }
}

TEST(StoreModelTest, AKilledProcessLeavesWhatItPublished) {
  KillChildren(Number("ROTV_STORE_SEED", std::random_device()()), 12);
}

TEST(StoreModelTest, SoakOfKilledProcesses) {
  const auto minutes = std::chrono::minutes(Number("ROTV_SOAK_MINUTES", 1));
  int walks = 0;
  constexpr int kKills = 60;
  for (const Clock::time_point end = Clock::now() + minutes; Clock::now() < end && !HasFailure(); ++walks) {
    KillChildren(std::random_device()(), kKills);
  }
  std::cout << walks * kKills << " kills in " << walks << " walks" << std::endl;
}

}  // namespace
}  // namespace rotv
