#include "sync/seed/table_order.h"

#include <algorithm>
#include <map>
#include <queue>

#include "sync/postgres/large_objects.h"
#include "sync/schema/follow.h"

// pg_dump sorts what it dumps by name, and then topologically from the back to the front: the last place goes to the
// last object, by name, that nothing else needs (TopoSort() in pg_dump_sort.c). Sorting from the front to the back
// would give another order where there is a choice.

namespace rotv::seed {
namespace {

class BackToFront {
 public:
  explicit BackToFront(std::vector<const proto::Table*> tables) : tables_(std::move(tables)), waiting_(tables_.size()) {
    std::map<uint32_t, size_t> places;
    for (size_t i = 0; i < tables_.size(); ++i) places[tables_[i]->id()] = i;
    needs_.resize(tables_.size());
    for (size_t i = 0; i < tables_.size(); ++i) {
      for (uint32_t before : tables_[i]->rows_after()) {
        const auto place = places.find(before);
        if (place == places.end() || place->second == i) continue;
        needs_[i].push_back(place->second);
        ++waiting_[place->second];
      }
    }
  }

  std::vector<const proto::Table*> Run() {
    for (size_t i = 0; i < tables_.size(); ++i) {
      if (waiting_[i] == 0) free_.push(i);
    }
    std::vector<const proto::Table*> order(tables_.size());
    placed_.resize(tables_.size());
    for (size_t at = tables_.size(); at-- > 0;) {
      const size_t chosen = Choose();
      placed_[chosen] = true;
      order[at] = tables_[chosen];
      for (size_t before : needs_[chosen]) {
        if (--waiting_[before] == 0 && !placed_[before]) free_.push(before);
      }
    }
    return order;
  }

 private:
  size_t Choose() {
    if (!free_.empty()) {
      const size_t chosen = free_.top();
      free_.pop();
      return chosen;
    }
    return static_cast<size_t>(placed_.rend() - std::find(placed_.rbegin(), placed_.rend(), false)) - 1;
  }

  const std::vector<const proto::Table*> tables_;
  std::vector<size_t> waiting_;             // How many tables that have no place yet come after each.
  std::vector<std::vector<size_t>> needs_;  // The tables that come before each.
  std::vector<bool> placed_;
  std::priority_queue<size_t> free_;  // Tables that no other one has to come after.
};

}  // namespace

std::vector<const proto::Table*> TablesInOrder(const proto::SchemaVersion& schema) {
  std::vector<const proto::Table*> tables;
  bool any_waits = false;
  for (const proto::Table& table : schema.tables()) {
    if (!schema::HasRows(table) || table.id() == postgres::kLargeObjectTable) continue;
    tables.push_back(&table);
    any_waits |= !table.rows_after().empty();
  }
  return any_waits ? BackToFront(std::move(tables)).Run() : tables;
}

}  // namespace rotv::seed
