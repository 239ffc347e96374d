#include "sync/compare/stored_digest.h"

#include <utility>

#include "storage/row_key.h"
#include "sync/compare/digest_sql.h"
#include "sync/compare/row_hash.h"
#include "sync/schema/follow.h"

namespace rotv::compare {
namespace {

// A report is where a reading can be ended, so large rows are reported sooner.
constexpr uint64_t kRowsBetweenReports = 20'000;
constexpr uint64_t kBytesBetweenReports = uint64_t{16} << 20;

}  // namespace

std::unique_ptr<RowScan> ScanForCheck(const RowStore& store, const StoredTable& table, KeyRange range) {
  return store.ScanAt({.table = table.table.id(),
                       .epoch = table.epoch,
                       .lsn = table.lsn,
                       .range = std::move(range),
                       .shape = table.table.shape()});
}

TableDigest DigestOf(const RowStore& store, const StoredTable& table, const std::function<void(uint64_t)>& report) {
  DigestBuilder builder(schema::IsMultiset(table.table) ? DigestBuilder::Ranges::kNone : DigestBuilder::Ranges::kByKey);
  const proto::Shape& shape = store.shapes().Get(table.table.shape());
  RowHasher hasher(static_cast<size_t>(shape.columns_size()), ComparedColumns(table.table, shape));
  uint64_t rows = 0, bytes = 0;  // Since the last report.
  std::unique_ptr<RowScan> scan = ScanForCheck(store, table);
  while (scan->Next()) {
    if (builder.WantsKey()) builder.Cut(KeyTexts(table.table, scan->row_key(), 1).front());
    builder.Add(hasher.Hash(scan->line()));
    bytes += scan->line().size();
    if (++rows < kRowsBetweenReports && bytes < kBytesBetweenReports) continue;
    report(std::exchange(rows, 0));
    bytes = 0;
  }
  report(rows);
  return builder.Finish();
}

std::vector<std::string> KeyTexts(const proto::Table& table, std::string_view row_key, int columns) {
  std::vector<std::string> texts;
  for (int i = 0; i < columns; ++i) {
    texts.push_back(table.key_is_integer(i) ? std::to_string(TakeIntegerKey(&row_key)) : TakeTextKey(&row_key));
  }
  return texts;
}

}  // namespace rotv::compare
