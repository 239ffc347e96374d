#include "tests/bench/start_part.h"

#include <fmt/format.h>

#include <fstream>

namespace rotv::bench {
namespace {

namespace fs = std::filesystem;
using testing::Command;
using testing::MustRun;

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

}  // namespace

StartSamples MeasureStart(const testing::RotvHome& source, const fs::path& home, int repeat, const Measurer& measure) {
  fs::path app = source.directory() / "app";
  fs::copy(std::string(ROTV_SOURCE_DIR) + "/tests/support/app", app, fs::copy_options::recursive);
  fs::path config = source.directory() / "start.toml";
  fs::copy(source.config(), config, fs::copy_options::overwrite_existing);
  std::ofstream(config, std::ios::app) << fmt::format("[app]\ndirectory = \"{}\"\nport = {}\n", app.native(), kPort);

  auto rotv = [&](const std::string& command) {
    Command result = source.ProgramCommand(ROTV_BINARY, {"--runtime", "local", command});
    result.argv[2] = home;  // The argument of --home.
    result.argv[4] = config;
    return result;
  };
  auto script = [&](const char* text, const std::vector<std::string>& arguments) {
    Command result = source.ProgramCommand("sh", {});
    result.argv = {"sh", "-c", text, "sh"};
    result.argv.insert(result.argv.end(), arguments.begin(), arguments.end());
    return result;
  };
  const std::string directory = "/dev/shm/rotv-bench-by-hand";

  StartSamples samples;
  MustRun(rotv("start"));  // Writes the seed.
  MustRun(rotv("stop"));
  for (int i = 0; i < repeat; ++i) {
    // The state after a pull: there is an empty cluster, and none with this seed.
    fs::remove(home / "prepared" / "seeded.json");
    measure(rotv("start"), &samples.start);
    measure(rotv("restart"), &samples.restart);
    MustRun(rotv("stop"));
    fs::remove_all(directory);
    measure(script(kByHand, {home / "seed-data.sql", app, std::to_string(kPort), directory}), &samples.by_hand);
    MustRun(script(kByHandEnd, {directory}));
  }
  return samples;
}

}  // namespace rotv::bench
