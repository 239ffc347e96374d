#include "tests/bench/keys_part.h"

#include <fmt/format.h>

#include <stdexcept>

#include "tests/bench/measured_source.h"

namespace rotv::bench {

namespace fs = std::filesystem;
using testing::MustRun;

namespace {

void MeasureKind(testing::PostgresServer& source, const std::string& key, int64_t rows, int repeat,
                 const fs::path& directory, const SyncCommand& sync, const Measurer& measure, KindSamples* samples) {
  source.CreateDatabase("keys");
  source.Exec(fmt::format("CREATE TABLE items (id {} PRIMARY KEY, name text NOT NULL, email text, body text, "
                          "price numeric(10,2), created timestamptz NOT NULL)",
                          key),
              {"keys", "rotv"});
  source.Exec(fmt::format("INSERT INTO items SELECT {}, 'name ' || n, 'user' || n || '@home.example', "
                          "md5(n::text) || ' ' || md5((n % 1000)::text), n % 100000 / 100.0, "
                          "'2026-01-01'::timestamptz + n * interval '1 s' FROM generate_series(1, {}) n",
                          key == "uuid" ? "gen_random_uuid()" : "n", rows),
              {"keys", "rotv"});
  source.Exec("VACUUM ANALYZE items", {"keys", "rotv"});
  const fs::path home = directory / "keys-home", config = directory / "keys.toml", seed = directory / "keys.sql",
                 dump = directory / "keys-dump.sql";
  testing::WriteFile(config, fmt::format("[sources.production]\nurl = \"postgresql://rotv@/keys?host={}&port={}\"\n",
                                         source.socket_directory(), source.port()));
  measure(sync(home, config, {"baseline"}), &samples->baseline);
  samples->store_bytes = BytesIn(home);
  for (int i = 0; i < repeat; ++i) {
    for (const fs::path& file : {seed, dump}) fs::remove(file);
    measure(source.DumpCommand("keys", {"-f", dump}), &samples->dump);
    measure(sync(home, config, {"materialize", "--output", seed}), &samples->seed);
  }
  if (ContentOf(seed) != ContentOf(dump)) throw std::runtime_error("the seed differs from the dump");
  samples->plain_bytes = fs::file_size(dump);
  source.Exec("UPDATE items SET price = price + 1 WHERE hashtext(name) % 1000 = 7", {"keys", "rotv"});
  measure(sync(home, config, {"pull"}), &samples->first_pull);
  MustRun(sync(home, config, {"detach"}));
  for (const fs::path& path : {home, seed, dump}) fs::remove_all(path);
  source.DropDatabase("keys");
}

}  // namespace

KeysSamples MeasureKeys(testing::PostgresServer& source, int64_t rows, int repeat, const fs::path& directory,
                        const SyncCommand& sync, const Measurer& measure) {
  KeysSamples samples;
  MeasureKind(source, "bigint", rows, repeat, directory, sync, measure, &samples.growing);
  MeasureKind(source, "uuid", rows, repeat, directory, sync, measure, &samples.random);
  return samples;
}

}  // namespace rotv::bench
