#include "tests/bench/open_part.h"

#include <fmt/format.h>

namespace rotv::bench {

namespace fs = std::filesystem;
using testing::MustRun;

OpenSamples MeasureOpen(testing::PostgresServer& source, const fs::path& home, const fs::path& config, int repeat,
                        const fs::path& directory, const SyncCommand& sync, const Measurer& measure) {
  source.CreateDatabase("small");
  source.Exec("CREATE TABLE one (id int PRIMARY KEY); INSERT INTO one VALUES (1)", {"small", "rotv"});
  const fs::path small_home = directory / "small-home", small_config = directory / "small.toml";
  testing::WriteFile(small_config,
                     fmt::format("[sources.production]\nurl = \"postgresql://rotv@/small?host={}&port={}\"\n",
                                 source.socket_directory(), source.port()));
  MustRun(sync(small_home, small_config, {"baseline"}));

  OpenSamples samples;
  for (int i = 0; i < repeat; ++i) {
    measure(sync(small_home, small_config, {"status", "--offline"}), &samples.small);
    measure(sync(home, config, {"status", "--offline"}), &samples.large);
    measure(sync(home, config, {"check", "--read-data"}), &samples.read);
  }
  MustRun(sync(small_home, small_config, {"detach"}));
  fs::remove_all(small_home);
  source.DropDatabase("small");
  return samples;
}

}  // namespace rotv::bench
