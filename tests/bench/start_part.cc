#include "tests/bench/start_part.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace rotv::bench {
namespace {

namespace fs = std::filesystem;
using testing::Command;
using testing::MustRun;
using testing::RunCommand;

// PostgreSQL's defaults throughout, on tmpfs, where fsync costs nothing.
constexpr const char* kByHand = R"SH(
set -e
seed=$1 app=$2 port=$3 directory=$4
as=
[ "$(id -u)" != 0 ] || as="setpriv --reuid=postgres --regid=postgres --init-groups"
mkdir -p "$directory"
[ "$(id -u)" != 0 ] || chown postgres "$directory"
cd /
$as initdb -D "$directory/data" -A trust -U postgres --encoding=UTF8 --locale=C.UTF-8 >/dev/null
$as pg_ctl -D "$directory/data" -o "-c listen_addresses= -k $directory" -l "$directory/log" -w start >/dev/null
psql -q -h "$directory" -U postgres -c 'CREATE ROLE rotv SUPERUSER LOGIN'
psql -q -h "$directory" -U postgres -c 'CREATE DATABASE rotv OWNER rotv'
psql -q -v ON_ERROR_STOP=1 -h "$directory" -U rotv -d rotv -f "$seed" >/dev/null 2>&1
PGHOST=$directory PGUSER=rotv PGDATABASE=rotv PORT=$port node "$app/server.js" >/dev/null 2>&1 &
echo $! >"$directory/app.pid"
until curl --silent --fail --noproxy '*' "http://127.0.0.1:$port/api/health" >/dev/null;
do sleep 0.02; done
)SH";

constexpr const char* kByHandEnd = R"SH(
directory=$1
kill "$(cat "$directory/app.pid")"
as=
[ "$(id -u)" != 0 ] || as="setpriv --reuid=postgres --regid=postgres --init-groups"
cd /
$as pg_ctl -D "$directory/data" -m immediate -w stop >/dev/null
rm -rf "$directory"
)SH";

constexpr int kPort = 28471;
constexpr int kSecondPort = 28472;
constexpr int64_t kFirstRound = 90;  // Rows that other parts do not change.

// Memory in use, page cache included, in bytes.
uint64_t UsedMemory() {
  std::ifstream file("/proc/meminfo");
  uint64_t total = 0;
  uint64_t free = 0;
  std::string name;
  std::string rest;
  for (uint64_t value = 0; file >> name >> value; std::getline(file, rest)) {
    if (name == "MemTotal:") total = value;
    if (name == "MemFree:") free = value;
  }
  return (total - free) * 1024;
}

void DropCaches() {
  sync();
  std::ofstream("/proc/sys/vm/drop_caches") << "3";
}

class StartPart {
 public:
  StartPart(testing::RotvHome& source, const DataSize& size, fs::path home, const Measurer& measure)
      : source_(source),
        size_(size),
        home_(std::move(home)),
        app_(source.directory() / "app"),
        config_(source.directory() / "start.toml"),
        measure_(measure) {
    fs::copy(std::string(ROTV_SOURCE_DIR) + "/tests/support/app", app_, fs::copy_options::recursive);
    fs::copy(source.config(), config_, fs::copy_options::overwrite_existing);
    std::ofstream(config_, std::ios::app)
        << fmt::format("[app]\ndirectory = \"{}\"\nport = {}\n", app_.native(), kPort);
    MustRun(Rotv({"start"}));  // Writes the seed.
  }
  ~StartPart() { RunCommand(Rotv({"stop"})); }
  StartPart(const StartPart&) = delete;
  StartPart& operator=(const StartPart&) = delete;

  void Round(int64_t number) {
    MustRun(Rotv({"stop"}));
    PutAside(home_ / "warm", number);
    fs::remove_all(kByHandDirectory);
    measure_(Script(kByHand, {home_ / "seed-data.sql", app_, std::to_string(kPort), kByHandDirectory}),
             &samples_.by_hand);
    MustRun(Script(kByHandEnd, {kByHandDirectory}));
    measure_(Rotv({"start"}), &samples_.first);
    measure_(Rotv({"restart"}), &samples_.restart);
    if (number == 0) samples_.warm_bytes = BytesBelow(home_ / "warm");
    MustRun(Rotv({"stop"}));
    measure_(Rotv({"run", "--fresh", "--", "true"}), &samples_.fresh);
    ChangeOnePercent(source_.server(), size_, kFirstRound + number);
    MustRun(Program(ROTV_SYNC_BINARY, {"pull"}));
    measure_(Rotv({"start"}), &samples_.after_pull);
    MustRun(Rotv({"stop"}));
    source_.server().Exec(
        fmt::format("ALTER TABLE news ADD COLUMN shown_{0} int DEFAULT 7;"
                    "CREATE INDEX ON news (shown_{0})",
                    number));
    MustRun(Program(ROTV_SYNC_BINARY, {"pull"}));
    measure_(Rotv({"start"}), &samples_.after_migration);
    MustRun(Rotv({"stop"}));
    MustRun(Rotv({"seed"}));  // What the next round imports.
  }

  // From now on each start is on an overlay.
  void UseOverlays() { std::ofstream(config_, std::ios::app) << "clone = \"overlay\"\n"; }

  void MeasureOverlays(int repeat, OverlaySamples* samples) {
    UseOverlays();
    MustRun(Rotv({"stop"}));
    MustRun(Program(ROTV_SYNC_BINARY, {"snapshot", "create", "small"}));
    samples->small_bytes = LargestClusterBytes();
    source_.server().Exec(
        "CREATE TABLE archive (id bigint PRIMARY KEY, body text);"
        "INSERT INTO archive SELECT i, repeat(md5(i::text), 9) FROM generate_series(1, 10000000) i");
    MustRun(Program(ROTV_SYNC_BINARY, {"pull"}));
    MustRun(Rotv({"warm"}));
    samples->large_bytes = LargestClusterBytes();
    for (int i = 0; i < repeat; ++i) {
      measure_(Rotv({"run", "--fresh", "--snapshot", "small", "--", "true"}), &samples->small);
      measure_(Rotv({"run", "--fresh", "--", "true"}), &samples->large);
    }
    samples->memory = MeasureMemory();
  }

  // A copy is counted, and read by that; on an overlay rows are estimated. Needs root, which can empty the page cache.
  MemoryOfTwo MeasureMemory() {
    if (!testing::IsRoot()) return {};
    MustRun(Rotv({"start"}));
    MustRun(Rotv({"stop"}));
    DropCaches();
    const uint64_t before = UsedMemory();
    MustRun(Rotv({"start"}));
    const uint64_t one = UsedMemory();
    MustRun(Rotv({"--name", "second", "start", "--port", std::to_string(kSecondPort)}));
    const uint64_t two = UsedMemory();
    MustRun(Rotv({"--name", "second", "stop"}));
    if (one <= before || two <= before) return {};
    return {.one = one - before, .two = two - before};
  }

  const StartSamples& samples() const { return samples_; }

 private:
  // Not removed: where a file system has just removed as many files, ext4 takes seconds to make new ones.
  void PutAside(const fs::path& warm, int64_t number) const {
    const fs::path aside = home_ / "aside";
    fs::create_directories(aside);
    if (fs::exists(warm)) fs::rename(warm, aside / std::to_string(number));
  }

  static constexpr const char* kByHandDirectory = "/dev/shm/rotv-bench-by-hand";

  uint64_t LargestClusterBytes() const {
    uint64_t largest = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(home_ / "warm")) {
      if (entry.is_directory()) largest = std::max(largest, BytesBelow(entry.path()));
    }
    return largest;
  }
  static uint64_t BytesBelow(const fs::path& directory) {
    uint64_t bytes = 0;
    if (!fs::exists(directory)) return 0;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
      if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return bytes;
  }

  Command Program(const std::string& program, const std::vector<std::string>& arguments) const {
    Command result = source_.ProgramCommand(program, arguments);
    result.argv[2] = home_;  // The argument of --home.
    result.argv[4] = config_;
    return result;
  }
  Command Rotv(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--runtime", "local"});
    return Program(ROTV_BINARY, arguments);
  }
  Command Script(const char* text, const std::vector<std::string>& arguments) const {
    Command result = source_.ProgramCommand("sh", {});
    result.argv = {"sh", "-c", text, "sh"};
    result.argv.insert(result.argv.end(), arguments.begin(), arguments.end());
    return result;
  }

  testing::RotvHome& source_;
  const DataSize size_;
  const fs::path home_;
  const fs::path app_;
  const fs::path config_;
  const Measurer& measure_;
  StartSamples samples_;
};

}  // namespace

StartSamples MeasureStart(testing::RotvHome& source, const DataSize& size, const fs::path& home, int repeat,
                          const Measurer& measure) {
  StartPart part(source, size, home, measure);
  for (int i = 0; i < repeat; ++i) part.Round(i);
  StartSamples samples = part.samples();
  samples.memory = part.MeasureMemory();
  return samples;
}

OverlaySamples MeasureOverlays(testing::RotvHome& source, const DataSize& size, const fs::path& home, int repeat,
                               const Measurer& measure) {
  OverlaySamples samples;
  StartPart(source, size, home, measure).MeasureOverlays(repeat, &samples);
  return samples;
}

}  // namespace rotv::bench
