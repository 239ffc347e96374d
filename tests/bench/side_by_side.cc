// Measures rotv-sync against the tools one would use without it, in one run on the same data: pg_dump, ssh with
// pg_dump, and pg_recvlogical. It is a measurement: a missed target is reported, and only a failing command makes the
// run fail.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cli/output/format.h"
#include "tests/bench/bench_data.h"
#include "tests/bench/history_part.h"
#include "tests/bench/keys_part.h"
#include "tests/bench/mask_part.h"
#include "tests/bench/measured_source.h"
#include "tests/bench/open_part.h"
#include "tests/bench/remote_part.h"
#include "tests/bench/report.h"
#include "tests/bench/start_part.h"

namespace rotv::bench {
namespace {

namespace fs = std::filesystem;
using testing::Command;
using testing::MustRun;

constexpr Target kDumpSpeed{Target::Sense::kAtLeast, 3};
constexpr Target kStreamSpeed{Target::Sense::kAtLeast, 0.9};
constexpr Target kBaselineTime{Target::Sense::kAtMost, 1.2};
constexpr Target kSlowLinkSpeed{Target::Sense::kAtLeast, 50};
constexpr Target kAddColumnTime{Target::Sense::kAtMost, 3};
constexpr Target kStoreSize{Target::Sense::kAtMost, 0.45};
constexpr Target kVerifyTime{Target::Sense::kAtMost, 1};
constexpr Target kOpenTime{Target::Sense::kAtMost, 1.5};
constexpr Target kReadTime{Target::Sense::kAtMost, 1};
constexpr Target kVerifyBytes{Target::Sense::kAtMost, 0.01};
constexpr Target kFirstStartTime{Target::Sense::kAtMost, 0.75};
constexpr Target kCarriedStartTime{Target::Sense::kAtMost, 0.2};
constexpr Target kMigratedStartTime{Target::Sense::kAtMost, 0.35};
constexpr Target kRestartTime{Target::Sense::kAtMost, 0.1};
constexpr Target kFreshSeconds{Target::Sense::kAtMost, 0.6};
constexpr Target kLargeFreshTime{Target::Sense::kAtMost, 1.3};
constexpr Target kTwoStarted{Target::Sense::kAtMost, 1.2};
constexpr Target kOldPointTime{Target::Sense::kAtMost, 1.5};
constexpr Target kDiffTime{Target::Sense::kAtMost, 0.1};
constexpr Target kMaskTime{Target::Sense::kAtMost, 1.3};
constexpr Target kRandomKeysTime{Target::Sense::kAtMost, 1.3};
constexpr Target kFollowTime{Target::Sense::kAtMost, 0.5};
constexpr Target kFollowBytes{Target::Sense::kAtMost, 1.1};
constexpr Target kFollowStepTime{Target::Sense::kAtMost, 0.8};
constexpr Target kFollowStepBytes{Target::Sense::kAtMost, 1.2};
constexpr Target kNothingNewSeconds{Target::Sense::kAtMost, 0.15};
constexpr Target kBehindBytes{Target::Sense::kAtMost, 1.5};
constexpr Target kSubsetTime{Target::Sense::kAtMost, 1};
constexpr Target kPublishTime{Target::Sense::kAtMost, 1.2};
constexpr Target kRemotePeakMib{Target::Sense::kAtMost, 192};
constexpr Target kPeakMib{Target::Sense::kAtMost, 256};

struct Options {
  double size = 1;
  int repeat = 3;
  std::vector<std::string> parts = {"baseline", "materialize", "open",    "slow", "pull", "bulk",  "ddl",
                                    "verify",   "start",       "history", "mask", "keys", "remote"};
  bool json = false;
  bool markdown = false;
  bool keep = false;

  bool Has(const std::string& part) const { return std::find(parts.begin(), parts.end(), part) != parts.end(); }
};

std::string FirstLineWith(const fs::path& file, const std::string& text) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.find(text) != std::string::npos) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string LoadAverage() {
  double load[1] = {0};
  getloadavg(load, 1);
  return fmt::format("{:.1f}", load[0]);
}

class SideBySide {
 public:
  explicit SideBySide(const Options& options)
      : options_(options), size_(Scaled(options.size)), home_(source_.Path("home")) {}

  Report Run() {
    DescribeMachine();
    Say("filling the source");
    LoadData(source_.server(), size_);
    source_.server().Exec("CHECKPOINT", testing::kSuperuser);
    WarmUp();
    if (options_.keep) return Keep();
    MeasureBaseline();
    if (options_.Has("materialize")) MeasureMaterialize();
    if (options_.Has("open")) MeasureOpening();
    if (options_.Has("verify")) MeasureVerify();
    if (options_.Has("start")) MeasureStartOfApplication();
    if (options_.Has("slow")) MeasureSlowLink();
    if (options_.Has("pull")) {
      MeasurePull({.what = fmt::format("pull of {} changes", output::HumanCount(static_cast<uint64_t>(size_.changes))),
                   .change = [this] { MakeChanges(source_.server(), size_); }});
    }
    if (options_.Has("bulk")) {
      MeasurePull({.what = fmt::format("pull of a transaction of {} rows",
                                       output::HumanCount(static_cast<uint64_t>(size_.bulk_rows))),
                   .change = [this] { MakeOneLargeTransaction(source_.server(), size_); }});
    }
    if (options_.Has("ddl")) MeasureAddColumn();
    if (options_.Has("history")) MeasureHistoryCommands();
    CheckSeed();
    if (options_.Has("mask")) MeasureMasking();
    if (options_.Has("keys")) MeasureKeyOrder();
    if (options_.Has("remote")) MeasureRemotes();
    if (options_.Has("overlay")) MeasureLargeOverlays();
    for (const auto& [what, peak_kib] : peaks_kib_) report_.Memory("peak memory of " + what, peak_kib, kPeakMib);
    report_.Fact("load average at the end", LoadAverage());
    return report_;
  }

 private:
  void DescribeMachine() {
    utsname system{};
    uname(&system);
    report_.Fact("machine", fmt::format("{} x {}, Linux {}", std::thread::hardware_concurrency(),
                                        FirstLineWith("/proc/cpuinfo", "model name"), system.release));
    report_.Fact("source", source_.server().Value("SELECT version()"));
    std::vector<std::string> settings;
    for (const auto& [name, value] : kServerSettings) settings.push_back(name + "=" + value);
    report_.Fact("settings", fmt::format("wal_level=logical, {}, else the defaults", fmt::join(settings, ", ")));
    report_.Fact("repetitions", fmt::format("{}; medians, in brackets the fastest and the slowest", options_.repeat));
    report_.Fact("load average at the start", LoadAverage());
  }

  Measurer Measuring() {
    return [this](const Command& command, Samples* to) { source_.Measure(command, to); };
  }
  SyncCommand SyncWith() {
    return [this](const fs::path& home, const fs::path& config, const std::vector<std::string>& arguments) {
      return source_.Sync(home, config, arguments);
    };
  }

  void NotePeak(const std::string& what, const Samples& samples) {
    peaks_kib_[what] = std::max(peaks_kib_[what], samples.peak_kib);
  }

  // Prints commands for a profiler, and keeps the servers until Enter is pressed.
  Report Keep() {
    MustRun(source_.Sync(home_, source_.DirectConfig(), {"baseline"}));
    Say(fmt::format("psql -d \"{}\"", source_.server().ConnectionString()));
    Say(fmt::format("{}", fmt::join(source_.Sync(home_, source_.DirectConfig(), {"pull"}).argv, " ")));
    Say(fmt::format("by ssh, and on a slow link: the same with {} or {} in the place of its config",
                    source_.SshConfig().string(), source_.SlowConfig().string()));
    Say("Enter ends it");
    std::getchar();
    return report_;
  }

  // --- Measurements.

  void WarmUp() {
    MustRun(source_.Dump({"-f", source_.Path("warm.sql")}));
    plain_bytes_ = fs::file_size(source_.Path("warm.sql"));
    fs::remove(source_.Path("warm.sql"));
    report_.Fact("data", fmt::format("{} small rows of 6 tables and {} pictures; the plain dump has {}",
                                     output::HumanCount(static_cast<uint64_t>(size_.small_rows)), size_.pictures,
                                     output::HumanBytes(plain_bytes_)));
  }

  void MeasureBaseline() {
    Say("baseline");
    Samples ours{"baseline through ssh"};
    Samples theirs{"ssh pg_dump > file"};
    int times = options_.Has("baseline") ? options_.repeat : 1;
    for (int i = 0; i < times; ++i) {
      if (options_.Has("baseline"))
        source_.Measure(source_.SshDump(source_.ssh_port(), {}, source_.Path("ssh.sql")), &theirs);
      if (i > 0) {
        MustRun(source_.Sync(home_, source_.DirectConfig(), {"detach"}));
        fs::remove_all(home_);
      }
      source_.Measure(source_.Sync(home_, source_.SshConfig(), {"baseline"}), &ours);
    }
    if (options_.Has("baseline")) report_.Duration("baseline", ours, theirs, kBaselineTime);
    report_.Size("store after the baseline", BytesIn(home_), plain_bytes_, kStoreSize);
    NotePeak("baseline", ours);
    fs::remove(source_.Path("ssh.sql"));
  }

  // A store's files are held against its manifest whenever it is opened. All bytes are read by `check` alone.
  void MeasureOpening() {
    Say("opening the store");
    Samples dump{"pg_dump -f"};
    for (int i = 0; i < options_.repeat; ++i) {
      fs::remove(source_.Path("dump.sql"));
      source_.Measure(source_.Dump({"-f", source_.Path("dump.sql")}), &dump);
    }
    fs::remove(source_.Path("dump.sql"));
    const OpenSamples samples = MeasureOpen(source_.server(), home_, source_.DirectConfig(), options_.repeat,
                                            source_.Path(""), SyncWith(), Measuring());
    report_.Duration("status of the store", samples.large, samples.small, kOpenTime);
    report_.Duration("check --read-data", samples.read, dump, kReadTime);
    NotePeak("check", samples.read);
  }

  void MeasureMaterialize() {
    Say("materialize");
    Samples ours{"materialize"};
    Samples theirs{"pg_dump -f"};
    for (int i = 0; i < options_.repeat; ++i) {
      for (const char* name : {"seed.sql", "dump.sql"}) fs::remove(source_.Path(name));
      source_.Measure(source_.Dump({"-f", source_.Path("dump.sql")}), &theirs);
      source_.Measure(
          source_.Sync(home_, source_.DirectConfig(), {"materialize", "--output", source_.Path("seed.sql")}), &ours);
    }
    if (ContentOf(source_.Path("seed.sql")) != ContentOf(source_.Path("dump.sql")))
      throw std::runtime_error("the seed differs from the dump");
    report_.Speed("materialize to a file", ours, theirs, kDumpSpeed);
    NotePeak("materialize", ours);
    for (const char* name : {"seed.sql", "dump.sql"}) fs::remove(source_.Path(name));
    MeasureSubset();
    if (const testing::TempDir memory(testing::TempDirName::kPlain, "/dev/shm");
        fs::space(memory.path()).available > 4 * plain_bytes_) {
      MeasureMaterializeTo(memory.path());
    }
  }

  // One user in a hundred, and one place in a hundred with all that belongs to it.
  void MeasureSubset() {
    const fs::path config = source_.Path("subset.toml");
    testing::WriteFile(config, testing::ReadFile(source_.DirectConfig()) +
                                   "[subset]\n\"public.users\" = { percent = 1 }\n\"public.pois\" = { percent = 1 }\n");
    const auto materialize = [&](std::vector<std::string> more) {
      more.insert(more.begin(), {"materialize", "--output", source_.Path("seed.sql")});
      fs::remove(source_.Path("seed.sql"));
      return source_.Sync(home_, config, more);
    };
    Samples all{"materialize"}, subset{"materialize --subset, 1 %"};
    for (int i = 0; i < options_.repeat; ++i) {
      source_.Measure(materialize({}), &all);
      source_.Measure(materialize({"--subset"}), &subset);
    }
    report_.Duration("materialize --subset, 1 %", subset, all, kSubsetTime);
    report_.Size("seed of that", fs::file_size(source_.Path("seed.sql")), plain_bytes_, {});
    MustRun(materialize({"--subset", "--check"}));  // All constraints are valid.
    NotePeak("materialize --subset", subset);
    fs::remove(source_.Path("seed.sql"));
  }

  // The same measurement without the disk.
  void MeasureMaterializeTo(const fs::path& directory) {
    Samples ours{"materialize to tmpfs"};
    Samples theirs{"pg_dump -f to tmpfs"};
    for (int i = 0; i < options_.repeat; ++i) {
      for (const char* name : {"seed.sql", "dump.sql"}) fs::remove(directory / name);
      source_.Measure(source_.Dump({"-f", directory / "dump.sql"}), &theirs);
      source_.Measure(source_.Sync(home_, source_.DirectConfig(), {"materialize", "--output", directory / "seed.sql"}),
                      &ours);
    }
    report_.Speed("materialize to a file on tmpfs", ours, theirs, {});
  }

  // Bytes are counted on the way through ssh, including the login, the schema and the pull before.
  void MeasureVerify() {
    Say("verify");
    Samples ours{"verify"};
    Samples theirs{"pg_dump -f"};
    Samples counted{"verify through ssh, slow link"};
    for (int i = 0; i < options_.repeat; ++i) {
      fs::remove(source_.Path("dump.sql"));
      source_.Measure(source_.Dump({"-f", source_.Path("dump.sql")}), &theirs);
      source_.Measure(source_.Sync(home_, source_.DirectConfig(), {"verify"}), &ours);
    }
    source_.MeasureOverSlowLink(source_.Sync(home_, source_.SlowConfig(), {"verify"}), &counted);
    report_.Duration("verify", ours, theirs, kVerifyTime);
    report_.Size("bytes that verify moves, of the dump's", counted.MedianWireBytes(), plain_bytes_, kVerifyBytes);
    NotePeak("verify", ours);
    fs::remove(source_.Path("dump.sql"));
  }

  void MeasureStartOfApplication() {
    Say("starting the application");
    const StartSamples samples = MeasureStart(source_.home(), size_, home_, options_.repeat, Measuring());
    report_.Duration("first rotv start, nothing warm", samples.first, samples.by_hand, kFirstStartTime);
    report_.Duration("rotv start after a pull of 1 % of the rows", samples.after_pull, samples.by_hand,
                     kCarriedStartTime);
    report_.Duration("rotv start after a migration of one table", samples.after_migration, samples.by_hand,
                     kMigratedStartTime);
    report_.Duration("rotv restart at the same point", samples.restart, samples.by_hand, kRestartTime);
    report_.Seconds("rotv run --fresh -- true", samples.fresh, kFreshSeconds);
    report_.Size("warm cluster and store", samples.warm_bytes + BytesIn(home_ / "sources"), plain_bytes_, {});
    if (samples.memory.one > 0) {
      report_.Compare("memory of two started databases, copies", samples.memory.two, "one: ", samples.memory.one, {});
    }
    NotePeak("rotv start", samples.first);
    NotePeak("rotv start", samples.after_pull);
  }

  // The figures are about a database that is too large to be copied, which takes minutes to make.
  void MeasureLargeOverlays() {
    Say("databases on overlays");
    const OverlaySamples samples = MeasureOverlays(source_.home(), size_, home_, options_.repeat, Measuring());
    report_.Fact("warm clusters for overlays", fmt::format("{} and {}", output::HumanBytes(samples.small_bytes),
                                                           output::HumanBytes(samples.large_bytes)));
    report_.Duration("rotv run --fresh -- true on an overlay of 3.3 GB more", samples.large, samples.small,
                     kLargeFreshTime);
    if (samples.memory.one > 0) {
      report_.Compare("memory of two started databases, overlays", samples.memory.two, "one: ", samples.memory.one,
                      kTwoStarted);
    }
  }

  void MeasureHistoryCommands() {
    Say("history");
    const HistorySamples samples = MeasureHistory(
        source_.server(), size_, options_.repeat,
        [this](const std::vector<std::string>& arguments) {
          return source_.Sync(home_, source_.DirectConfig(), arguments);
        },
        source_.Path("history.sql"), Measuring());
    report_.Duration("materialize --at an old point", samples.at_old, samples.at_head, kOldPointTime);
    report_.Duration("snapshot diff of 1,000 changes", samples.diff, samples.at_head, kDiffTime);
    report_.Fact(fmt::format("growth of the store by {} changes", output::HumanCount(samples.changes)),
                 fmt::format("{} MB", samples.growth / 1'000'000));
    report_.Fact("gc", fmt::format("{:.2f} s of a store of {} MB, {} MB afterwards", samples.gc.Median(),
                                   samples.bytes_before / 1'000'000, samples.bytes_after / 1'000'000));
    for (const Samples* part : {&samples.at_old, &samples.diff, &samples.gc}) NotePeak("history commands", *part);
  }

  void MeasureMasking() {
    Say("masking");
    const MaskSamples samples =
        MeasureMask(source_.server(), size_.small_rows, options_.repeat, source_.Path(""), SyncWith(), Measuring());
    report_.Duration("baseline with ten masked columns", samples.masked, samples.plain, kMaskTime);
    NotePeak("baseline", samples.masked);
  }

  void MeasureKeyOrder() {
    const int64_t rows = 3 * size_.small_rows;
    const std::string what = output::HumanCount(static_cast<uint64_t>(rows)) + " rows with random keys";
    Say(what);
    KeysSamples samples =
        MeasureKeys(source_.server(), rows, options_.repeat, source_.Path(""), SyncWith(), Measuring());
    report_.Speed("materialize of " + what, samples.random.seed, samples.random.dump, kDumpSpeed);
    report_.Speed("materialize of as many with growing keys", samples.growing.seed, samples.growing.dump, kDumpSpeed);
    report_.Fact("materialize, seconds for a GB",
                 fmt::format("{:.2f} with random keys, {:.2f} with growing ones", samples.random.SecondsPerGb(),
                             samples.growing.SecondsPerGb()));
    report_.Size("store of " + what, samples.random.store_bytes, samples.random.plain_bytes, kStoreSize);
    report_.Duration("baseline of " + what, samples.random.baseline, samples.growing.baseline, {});
    report_.Duration("first pull after that baseline, of a thousandth of the rows", samples.random.first_pull,
                     samples.growing.first_pull, kRandomKeysTime);
    for (const auto& [name, part] :
         {std::pair{"baseline", &samples.random.baseline}, std::pair{"materialize", &samples.random.seed},
          std::pair{"pull", &samples.random.first_pull}}) {
      NotePeak(std::string(name) + " with random keys", *part);
    }
  }

  void MeasureRemotes() {
    Say("a remote in an S3 store");
    const RemoteSamples samples = MeasureRemote(source_, size_, options_.repeat);
    report_.Duration("pull from S3, from nothing", samples.from_nothing, samples.baseline, kFollowTime);
    report_.Compare("bytes of that", samples.from_nothing_bytes, "store: ", samples.store_bytes, kFollowBytes);
    report_.Seconds("pull from S3, nothing new", samples.nothing_new, kNothingNewSeconds);
    report_.Duration("pull of 1 % from S3", samples.follow, samples.pull, kFollowStepTime);
    report_.Compare("bytes of that", samples.follow_bytes, "through ssh: ", samples.pull_bytes, kFollowStepBytes);
    report_.Compare(fmt::format("bytes of a pull that is {} publications of 1 % behind", samples.behind.count),
                    samples.behind.bytes, "published at once: ", samples.behind.bytes_at_once, kBehindBytes);
    report_.Fact("requests of a pull that is behind", fmt::format("{}", samples.behind.requests));
    report_.Duration("publish of 1 %", samples.publish, samples.pull, kPublishTime);
    report_.Duration("publish of everything", samples.publish_all, samples.baseline, kPublishTime);
    report_.Fact("requests", fmt::format("{} from nothing, {} with 1 %, {} with nothing new; publish of 1 %: {}",
                                         samples.from_nothing_requests, samples.follow_requests,
                                         samples.nothing_new_requests, samples.publish_requests));
    const auto& followers = samples.followers;
    if (followers.count > 0) {
      report_.Fact(fmt::format("{} followers at once, from nothing", followers.count),
                   fmt::format("{:.1f} s, {:.1f} s of processor; a publication meanwhile {:.2f} s", followers.seconds,
                               followers.processor_seconds, followers.publish_seconds));
    }
    report_.Memory("peak memory of publish", std::max(samples.publish.peak_kib, samples.publish_all.peak_kib),
                   kRemotePeakMib);
    report_.Memory("peak memory of a pull from S3",
                   std::max({samples.from_nothing.peak_kib, samples.follow.peak_kib, followers.peak_kib}),
                   kRemotePeakMib);
  }

  void MeasureSlowLink() {
    Say("over a link of 20 ms each way and 50 Mbit/s");
    Samples full{"ssh pg_dump > file, slow link"};
    Samples compressed{"ssh -C pg_dump > file, slow link"};
    Samples nothing{"pull with nothing new, slow link"};
    Samples few{"pull with 1 % changed, slow link"};
    source_.MeasureOverSlowLink(source_.SshDump(source_.slow_port(), {}, source_.Path("slow.sql")), &full);
    source_.MeasureOverSlowLink(source_.SshDump(source_.slow_port(), {"-C"}, source_.Path("slow.sql")), &compressed);
    fs::remove(source_.Path("slow.sql"));
    MustRun(source_.Sync(home_, source_.SlowConfig(), {"pull"}));
    for (int i = 0; i < options_.repeat; ++i) {
      source_.MeasureOverSlowLink(source_.Sync(home_, source_.SlowConfig(), {"pull"}), &nothing);
      ChangeOnePercent(source_.server(), size_, i);
      source_.MeasureOverSlowLink(source_.Sync(home_, source_.SlowConfig(), {"pull"}), &few);
    }
    report_.Speed("slow link: pull with nothing new", nothing, full, kSlowLinkSpeed);
    report_.Speed("slow link: pull with 1 % of the rows changed", few, full, kSlowLinkSpeed);
    report_.Speed("slow link: the same against a compressed dump", few, compressed, {});
    NotePeak("pull", nothing);
    NotePeak("pull", few);
  }

  static void CopyHome(const fs::path& from, const fs::path& to) { MustRun({.argv = {"cp", "-a", from, to}}); }

  struct PullPart {
    std::string what;
    std::function<void()> change;
  };

  // Each run starts from a copy of the home and of the slot from before the changes.
  void MeasurePull(const PullPart& part) {
    Say(part.what);
    MustRun(source_.Sync(home_, source_.DirectConfig(), {"pull"}));
    const fs::path before = source_.Path("home-before");
    fs::remove_all(before);
    CopyHome(home_, before);
    const std::string slot = source_.server().Value("SELECT slot_name FROM pg_replication_slots");
    source_.CopySlot(slot, "bench_before");
    part.change();
    source_.server().Exec("CHECKPOINT", testing::kSuperuser);
    const std::string end = source_.server().Value("SELECT pg_current_wal_flush_lsn()");

    Samples direct{part.what};
    Samples through_ssh{part.what + " through ssh"};
    Samples theirs{"pg_recvlogical -f /dev/null"};
    Samples warm_up{"pg_recvlogical, to warm up"};
    for (int i = 0; i <= options_.repeat; ++i) {
      source_.CopySlot("bench_before", "bench_receive");
      source_.Measure(source_.Receive("bench_receive", end), i == 0 ? &warm_up : &theirs);
      source_.DropSlot("bench_receive");
      if (i == 0) continue;
      for (bool ssh : {true, false}) {
        fs::remove_all(home_);
        CopyHome(before, home_);
        source_.DropSlot(slot);
        source_.CopySlot("bench_before", slot);
        source_.Measure(source_.Sync(home_, ssh ? source_.SshConfig() : source_.DirectConfig(), {"pull"}),
                        ssh ? &through_ssh : &direct);
        // Else it goes on beside what is measured next, in a home that is to be removed.
        MustRun(source_.Sync(home_, source_.DirectConfig(), {"compact"}));
      }
    }
    source_.DropSlot("bench_before");
    report_.Speed(part.what, direct, theirs, kStreamSpeed);
    theirs.what = "the same pg_recvlogical, without ssh";
    report_.Speed(part.what + " through ssh", through_ssh, theirs, {});
    NotePeak(part.what, direct);
    NotePeak(part.what, through_ssh);
  }

  // The new column is filled in when rows are read: no row is copied again.
  void MeasureAddColumn() {
    Say("a column with a default");
    const testing::PostgresServer& server = source_.server();
    server.Exec(
        fmt::format("CREATE TABLE widened (id bigint PRIMARY KEY, name text, at timestamptz);"
                    "INSERT INTO widened SELECT n, 'row ' || n, '2026-01-01' FROM generate_series(1, {}) n",
                    size_.small_rows));
    MustRun(source_.Sync(home_, source_.DirectConfig(), {"pull"}));
    int column = 0;
    for (bool ssh : {true, false}) {
      const fs::path config = ssh ? source_.SshConfig() : source_.DirectConfig();
      const std::string way = ssh ? " through ssh" : "";
      Samples nothing{"pull with nothing new" + way};
      Samples added{"pull after ADD COLUMN … DEFAULT 7" + way};
      for (int i = 0; i < options_.repeat; ++i) {
        source_.Measure(source_.Sync(home_, config, {"pull"}), &nothing);
        server.Exec(fmt::format("ALTER TABLE widened ADD COLUMN added_{} int DEFAULT 7", column++));
        source_.Measure(source_.Sync(home_, config, {"pull"}), &added);
      }
      report_.Duration("pull after ADD COLUMN … DEFAULT 7 on " +
                           output::HumanCount(static_cast<uint64_t>(size_.small_rows)) + " rows" + way,
                       added, nothing, kAddColumnTime);
      NotePeak("pull", added);
    }
  }

  // Figures of a wrong store would be worthless.
  void CheckSeed() {
    Say("comparing the last seed with a dump");
    MustRun(source_.Sync(home_, source_.DirectConfig(), {"pull"}));
    MustRun(source_.Dump({"-f", source_.Path("dump.sql")}));
    Samples last{"materialize of the last store"};
    source_.Measure(source_.Sync(home_, source_.DirectConfig(), {"materialize", "--output", source_.Path("seed.sql")}),
                    &last);
    NotePeak("materialize", last);
    if (ContentOf(source_.Path("seed.sql")) != ContentOf(source_.Path("dump.sql")))
      throw std::runtime_error("the seed differs from the dump");
    report_.Fact("the last seed", "has the same lines as a pg_dump of the source");
  }

  const Options options_;
  const DataSize size_;
  MeasuredSource source_;
  const fs::path home_;
  uint64_t plain_bytes_ = 0;
  std::map<std::string, int64_t> peaks_kib_;
  Report report_;
};

int Main(int argc, char** argv) {
  Options options;
  bool quick = false;
  CLI::App app("Measures rotv-sync against pg_dump and pg_recvlogical, side by side", "side_by_side");
  app.add_option("--size", options.size, "Times a million rows and 115 MB of pictures")
      ->check(CLI::Range(0.001, 100.0));
  app.add_option("--repeat", options.repeat, "How often each is run (default 3)")->check(CLI::Range(1, 100));
  app.add_option("--only", options.parts,
                 "Some of: baseline materialize open slow pull bulk ddl verify start history mask keys remote")
      ->check(CLI::IsMember({"baseline", "materialize", "open", "slow", "pull", "bulk", "ddl", "verify", "start",
                             "history", "mask", "keys", "remote", "overlay"}));
  app.add_flag("--quick", quick, "A tenth of the size, once: whether it works, not how fast it is");
  app.add_flag("--json", options.json, "The figures as JSON, with every single time");
  app.add_flag("--markdown", options.markdown, "The table as Markdown");
  app.add_flag("--keep", options.keep,
               "Measures nothing: leaves the filled source running until Enter, for a profiler");
  CLI11_PARSE(app, argc, argv);
  if (quick) options.size = 0.1, options.repeat = 1;

  try {
    const Report report = SideBySide(options).Run();
    std::fputs((options.json ? report.Json() : options.markdown ? report.Markdown() : report.Text()).c_str(), stdout);
    for (const std::string& missed : report.Missed()) Say("MISSED " + missed);
    return 0;
  } catch (const std::exception& error) {
    Say(fmt::format("side_by_side: {}", error.what()));
    return 1;
  }
}

}  // namespace
}  // namespace rotv::bench

int main(int argc, char** argv) { return rotv::bench::Main(argc, argv); }
