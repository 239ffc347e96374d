#include "tests/bench/history_part.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace rotv::bench {

using testing::Command;
using testing::MustRun;

HistorySamples MeasureHistory(const testing::PostgresServer& source, const DataSize& size, int repeat,
                              const std::function<Command(const std::vector<std::string>&)>& sync,
                              const std::filesystem::path& output, const Measurer& measure) {
  auto json = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--json");
    return nlohmann::json::parse(MustRun(sync(arguments)).out);
  };
  auto status = [&] { return json({"status", "--offline"}); };
  HistorySamples samples;
  MustRun(sync({"pull"}));
  const nlohmann::json old = status();
  MakeChanges(source, size);
  MustRun(sync({"pull"}));
  const nlohmann::json later = status();
  samples.changes = static_cast<uint64_t>(size.changes);
  samples.growth = later.at("store_bytes").get<int64_t>() - old.at("store_bytes").get<int64_t>();
  const int64_t step = std::max<int64_t>(1, size.small_rows / 1000);
  source.Exec(
      fmt::format("UPDATE events SET title = title || '!' WHERE id % {} = 0;"
                  "UPDATE users SET name = name || '!' WHERE id % {} = 0;"
                  "UPDATE page_views SET milliseconds = milliseconds + 1 WHERE id % {} = 0",
                  step, step, step));
  MustRun(sync({"pull"}));
  const std::string old_lsn = old.at("head").at("lsn");
  const std::string later_lsn = later.at("head").at("lsn");
  for (int i = 0; i < repeat; ++i) {
    measure(sync({"materialize", "--output", output}), &samples.at_head);
    measure(sync({"materialize", "--output", output, "--at", old_lsn}), &samples.at_old);
    measure(sync({"snapshot", "diff", later_lsn, "head"}), &samples.diff);
  }
  samples.bytes_before = status().at("store_bytes");
  measure(sync({"gc", "--keep-days", "0"}), &samples.gc);
  samples.bytes_after = status().at("store_bytes");
  return samples;
}

}  // namespace rotv::bench
