#include "tests/bench/history_part.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace rotv::bench {

using testing::Command;
using testing::MustRun;

namespace {

// A thousand rows from all over three tables, however many rows these have by now.
void ChangeAThousand(const testing::PostgresServer& source) {
  const auto some = [](const char* table, int count) {
    return fmt::format(
        "id IN (SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS rows "
        "FROM {}) r WHERE n % greatest(rows / {}, 1) = 0 LIMIT {})",
        table, count, count);
  };
  source.Exec(
      fmt::format("UPDATE events SET title = title || '!' WHERE {};"
                  "UPDATE users SET name = name || '!' WHERE {};"
                  "UPDATE page_views SET milliseconds = milliseconds + 1 WHERE {}",
                  some("events", 200), some("users", 50), some("page_views", 750)));
}

}  // namespace

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
  ChangeAThousand(source);
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
