#include "sync/carry/row_walk.h"

#include <algorithm>

#include "storage/row_version.h"
#include "sync/history/read_ahead.h"
#include "sync/schema/follow.h"

namespace rotv::carry {
namespace {

constexpr size_t kRowsBetweenLooks = 4096;

}  // namespace

std::vector<std::string> KeyNames(const history::TableState& state) {
  const proto::Shape& shape = state.store->shapes().Get(state.table->shape());
  std::vector<std::string> names;
  for (uint32_t column : state.table->key_columns()) names.push_back(shape.columns(static_cast<int>(column)).name());
  return names;
}

bool KeysAgree(const history::TableState& before, const history::TableState& after) {
  const proto::Table& a = *before.table;
  const proto::Table& b = *after.table;
  // A multiset's key is a hash of the line, and both have the same columns.
  if (schema::IsMultiset(a) || schema::IsMultiset(b)) return schema::IsMultiset(a) && schema::IsMultiset(b);
  return KeyNames(before) == KeyNames(after) && std::equal(a.key_is_integer().begin(), a.key_is_integer().end(),
                                                           b.key_is_integer().begin(), b.key_is_integer().end());
}

std::unique_ptr<RowScan> ScanState(const history::TableState& state, const std::string& first_key,
                                   ScanRequest::Access access) {
  ScanRequest request{.table = state.table->id(),
                      .epoch = state.epoch,
                      .lsn = state.lsn,
                      .range = {},
                      .shape = state.table->shape(),
                      .access = access};
  if (!first_key.empty()) request.range.begin = EncodeRowPrefix(request.table, request.epoch, first_key);
  return state.store->ScanAt(request);
}

void WalkTouched(const history::TableState& before, const history::TableState& after,
                 const std::vector<std::string>& sorted_keys, const VisitRow& visit, const Interrupt& interrupt) {
  constexpr auto kSomeRows = ScanRequest::Access::kSomeRows;
  const std::unique_ptr<RowScan> old_rows = ScanState(before, "", kSomeRows);
  const std::unique_ptr<RowScan> new_rows = ScanState(after, "", kSomeRows);
  history::ReadAhead ahead(ScanState(before, "", kSomeRows), sorted_keys);
  for (size_t i = 0; i < sorted_keys.size(); ++i) {
    if (i % kRowsBetweenLooks == 0) interrupt.Check();
    ahead.At(i);
    const uint32_t old_count = old_rows->Find(sorted_keys[i]);
    const uint32_t new_count = new_rows->Find(sorted_keys[i]);
    std::optional<std::string_view> old_line, new_line;
    if (old_count > 0) old_line = old_rows->line();
    if (new_count > 0) new_line = new_rows->line();
    if (old_count == new_count && old_line == new_line) continue;
    if (!visit(old_line, new_line)) return;
  }
}

void WalkAll(const history::TableState& before, const history::TableState& after, const VisitRow& visit,
             const Interrupt& interrupt) {
  const std::unique_ptr<RowScan> old_rows = ScanState(before);
  const std::unique_ptr<RowScan> new_rows = ScanState(after);
  bool is_old = old_rows->Next();
  bool is_new = new_rows->Next();
  for (uint64_t looked_at = 0; is_old || is_new; ++looked_at) {
    if (looked_at % kRowsBetweenLooks == 0) interrupt.Check();
    const int order = !is_old ? 1 : !is_new ? -1 : old_rows->row_key().compare(new_rows->row_key());
    std::optional<std::string_view> old_line, new_line;
    if (order <= 0) old_line = old_rows->line();
    if (order >= 0) new_line = new_rows->line();
    if (old_line != new_line && !visit(old_line, new_line)) return;
    if (order <= 0) is_old = old_rows->Next();
    if (order >= 0) is_new = new_rows->Next();
  }
}

}  // namespace rotv::carry
