#include "tests/bench/mask_part.h"

#include <fmt/format.h>

namespace rotv::bench {

namespace fs = std::filesystem;
using testing::MustRun;

namespace {

constexpr const char* kRules = R"([mask]
"public.people.email" = "email"
"public.people.first_name" = "first_name"
"public.people.last_name" = "last_name"
"public.people.phone" = "phone"
"public.people.street" = "address"
"public.people.last_ip" = "ip"
"public.people.ref" = "uuid"
"public.people.token" = "hash"
"public.people.born" = { rule = "date", days = 365 }
"public.people.salary" = { rule = "number", by = 1000 }
)";

}  // namespace

MaskSamples MeasureMask(testing::PostgresServer& source, int64_t rows, int repeat, const fs::path& directory,
                        const SyncCommand& sync, const Measurer& measure) {
  source.CreateDatabase("people");
  source.Exec(
      fmt::format(
          "CREATE TABLE people (id bigint PRIMARY KEY, email text, first_name text, last_name text, phone text, "
          "street text, last_ip inet, ref uuid, token text, born date, salary numeric(10,2), note text);"
          "INSERT INTO people SELECT n, 'user' || n || '@home.example', 'First' || n % 5000, 'Last' || n % 9000, "
          "'+49 170 ' || (1000000 + n), 'Street ' || n % 900, ('10.0.' || n % 250 || '.' || n % 240)::inet, "
          "md5(n::text)::uuid, md5('t' || n), '1950-01-01'::date + (n % 20000)::int, 1000 + n % 90000, "
          "'note ' || md5('n' || n) FROM generate_series(1, {}) n",
          rows),
      {"people", "rotv"});
  const fs::path home = directory / "mask-home", config = directory / "mask.toml";
  const std::string address = fmt::format("[sources.production]\nurl = \"postgresql://rotv@/people?host={}&port={}\"\n",
                                          source.socket_directory(), source.port());
  MaskSamples samples;
  auto once = [&](const std::string& rules, Samples* to) {
    testing::WriteFile(config, address + rules);
    measure(sync(home, config, {"baseline"}), to);
    MustRun(sync(home, config, {"detach"}));
    fs::remove_all(home);
  };
  for (int i = 0; i < repeat; ++i) {
    once("", &samples.plain);
    once(kRules, &samples.masked);
  }
  source.DropDatabase("people");
  return samples;
}

}  // namespace rotv::bench
