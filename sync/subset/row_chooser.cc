#include "sync/subset/row_chooser.h"

#include <algorithm>
#include <map>
#include <queue>
#include <tuple>

// Down, components are taken so that what is referenced comes first: all that can lead to a table's rows is known when
// a limit has to choose among them. Up it is the other way round. Within a component (a circle of references, a table
// that references itself) rounds go on until none brings a row.
//
// A round looks for the rows whose keys are in a set. It walks over the hashes of all keys, 8 bytes a row in a file,
// which is fast and takes no memory. But a chain of a million rows (each version references the one before) would take
// a million walks: after some rounds a sorted index is made.
//
// The result does not depend on the order of rows: without limits both sets are the least fixed points; with them,
// rows are compared by hashes of their keys.

namespace rotv::subset {
namespace {

constexpr int kRoundsBeforeIndex = 8;
// Of fewer rows than one in so many, hashes are read one by one.
constexpr uint64_t kSparse = 512;

enum class Side { kReferencing, kReferenced };

using RowList = std::vector<uint64_t>;       // In order.
using RowLists = std::map<size_t, RowList>;  // By node.

class RowChooser {
 public:
  RowChooser(const ReferenceGraph& graph, const SubsetPlan& plan, const KeysByNode& keys,
             std::vector<ReadTable>& tables, const Interrupt& interrupt)
      : graph_(graph), plan_(plan), keys_(keys), tables_(tables), interrupt_(interrupt), left_(plan.limits) {
    for (const ReadTable& table : tables) choice_.rows.emplace_back(table.rows);
    refused_ = choice_.rows;
    choice_.came.resize(tables.size());
    choice_.left_out.resize(tables.size());
    SortReferences();
  }

  Choice Run() {
    for (size_t component = 0; component < graph_.components.size(); ++component) {
      Down(component);
      DropIndexes(component);
    }
    for (size_t component = graph_.components.size(); component-- > 0;) {
      Up(component);
      DropIndexes(component);
    }
    return std::move(choice_);
  }

 private:
  // References by the component of either side, and those within one.
  struct OfComponent {
    std::vector<const Reference*> to_others, from_others, within;
  };

  void SortReferences() {
    of_component_.resize(graph_.components.size());
    for (const Reference& reference : graph_.references) {
      if (!reference.comparable) continue;
      const size_t from = graph_.nodes[reference.referencing.front().node].component;
      const size_t to = graph_.nodes[reference.referenced.front().node].component;
      if (from == to) {
        of_component_[from].within.push_back(&reference);
      } else {
        of_component_[from].to_others.push_back(&reference);
        of_component_[to].from_others.push_back(&reference);
      }
    }
  }

  static const std::vector<KeySide>& Sides(const Reference& reference, Side side) {
    return side == Side::kReferencing ? reference.referencing : reference.referenced;
  }

  size_t ColumnOf(const KeySide& side) const {
    const auto& keys = keys_[side.node];
    return static_cast<size_t>(std::find(keys.begin(), keys.end(), side.key) - keys.begin());
  }

  bool HasColumn(const KeySide& side) const { return ColumnOf(side) < tables_[side.node].keys.size(); }

  // Another component may need the memory.
  void DropIndexes(size_t component) {
    for (const size_t node : graph_.components[component]) {
      for (RowHashes& hashes : tables_[node].keys) hashes.DropIndex();
    }
  }

  // Calls `visit` with each of these rows and its hash.
  template <typename Visit>
  void WalkRows(size_t node, const RowHashes& hashes, const RowList& rows, const Visit& visit) const {
    constexpr uint64_t kRowsBetweenLooks = 1 << 16;
    uint64_t looked = 0;
    if (rows.size() < tables_[node].rows / kSparse) {
      for (const uint64_t row : rows) {
        if (looked++ % kRowsBetweenLooks == 0) interrupt_.Check();
        visit(row, hashes.At(row));
      }
      return;
    }
    auto next = rows.begin();
    hashes.Walk([&](uint64_t row, uint64_t hash) {
      if (looked++ % kRowsBetweenLooks == 0) interrupt_.Check();
      if (next == rows.end() || *next != row) return;
      visit(row, hash);
      ++next;
    });
  }

  // Adds the hashes of these rows' keys. `rows` null: those that are chosen.
  void AddKeys(const KeySide& side, const RowList* rows, HashSet* set) {
    if (!HasColumn(side)) return;
    const RowHashes& hashes = tables_[side.node].keys[ColumnOf(side)];
    const auto add = [set](uint64_t hash) {
      if (hash != 0) set->Add(hash);
    };
    if (rows == nullptr) {
      const RowBits& chosen = choice_.rows[side.node];
      const bool all = goes_up_ && plan_.tables[side.node].whole;
      hashes.Walk([&](uint64_t row, uint64_t hash) {
        if (all || chosen.Has(row)) add(hash);
      });
    } else {
      WalkRows(side.node, hashes, *rows, [&](uint64_t, uint64_t hash) { add(hash); });
    }
  }

  // Adds to `found` the rows of a table whose keys are in the set.
  void FindRows(const KeySide& side, const HashSet& set, RowLists* found) {
    if (set.size() == 0 || !HasColumn(side)) return;
    interrupt_.Check();
    RowHashes& hashes = tables_[side.node].keys[ColumnOf(side)];
    const RowBits& chosen = choice_.rows[side.node];
    const auto add = [&](uint64_t row) {
      if (!chosen.Has(row)) (*found)[side.node].push_back(row);
    };
    if (round_ < kRoundsBeforeIndex) {
      hashes.Walk([&](uint64_t row, uint64_t hash) {
        if (set.Has(hash)) add(row);
      });
      return;
    }
    const RowHashes::Index& index = hashes.SortedIndex();
    set.ForEach([&](uint64_t hash) {
      for (auto at = std::lower_bound(index.begin(), index.end(), std::pair(hash, uint64_t{0}));
           at != index.end() && at->first == hash; ++at) {
        add(at->second);
      }
    });
  }

  // Finds the rows that the keys of `from` lead to on the other side. `fresh` null: all that are chosen lead.
  void Follow(const Reference& reference, Side from, const RowLists* fresh, RowLists* found) {
    const Side to = from == Side::kReferencing ? Side::kReferenced : Side::kReferencing;
    HashSet set;
    for (const KeySide& side : Sides(reference, from)) {
      const TablePlan& table = plan_.tables[side.node];
      if (goes_up_ ? !table.in_play() : !table.reached) continue;
      if (fresh == nullptr) {
        AddKeys(side, nullptr, &set);
      } else if (const auto rows = fresh->find(side.node); rows != fresh->end()) {
        AddKeys(side, &rows->second, &set);
      }
    }
    for (const KeySide& side : Sides(reference, to)) {
      const TablePlan& table = plan_.tables[side.node];
      if (goes_up_ ? table.whole : !table.reached) continue;
      FindRows(side, set, found);
    }
  }

  static void SortOut(RowLists* lists) {
    for (auto& [node, rows] : *lists) {
      std::sort(rows.begin(), rows.end());
      rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    }
  }

  void Down(size_t component) {
    round_ = 0;
    RowLists found;
    for (const size_t node : graph_.components[component]) {
      if (!plan_.tables[node].starts()) continue;
      for (uint64_t row = 0; row < tables_[node].rows; ++row) {
        if (tables_[node].start.Has(row)) found[node].push_back(row);
      }
    }
    for (const Reference* reference : of_component_[component].to_others) {
      Follow(*reference, Side::kReferenced, nullptr, &found);
    }
    for (; !found.empty(); ++round_) {
      const RowLists fresh = TakeWithinLimits(std::move(found));
      found = {};
      for (const Reference* reference : of_component_[component].within) {
        Follow(*reference, Side::kReferenced, &fresh, &found);
      }
    }
  }

  // Of the rows that a limit allows: hash, node and row. The largest hash is on top.
  using Smallest = std::priority_queue<std::tuple<uint64_t, size_t, uint64_t>>;

  // Chooses these rows, as far as limits allow it, and returns those that were.
  RowLists TakeWithinLimits(RowLists found) {
    SortOut(&found);
    RowLists fresh;
    std::map<size_t, Smallest> limited;  // By limit.
    for (const auto& [node, rows] : found) {
      if (const std::optional<size_t> limit = plan_.tables[node].limit) {
        AddSmallest(node, rows, left_[*limit], &limited[*limit]);
        continue;
      }
      for (const uint64_t row : rows) {
        if (choice_.rows[node].Add(row)) fresh[node].push_back(row);
      }
    }
    for (auto& [limit, rows] : limited) {
      left_[limit] -= rows.size();
      for (; !rows.empty(); rows.pop()) {
        const auto& [hash, node, row] = rows.top();
        choice_.rows[node].Add(row);
        fresh[node].push_back(row);
      }
    }
    SortOut(&fresh);
    for (const auto& [node, rows] : fresh) choice_.came[node] += rows.size();
    return fresh;
  }

  // Keeps those with the smallest hashes, up to `most`: there may be far more rows than may come.
  void AddSmallest(size_t node, const RowList& rows, uint64_t most, Smallest* smallest) {
    const auto refuse = [this](size_t of, uint64_t row) {
      if (refused_[of].Add(row)) ++choice_.left_out[of];
    };
    if (most == 0) {
      for (const uint64_t row : rows) refuse(node, row);
      return;
    }
    WalkRows(node, *tables_[node].row_hashes, rows, [&](uint64_t row, uint64_t hash) {
      smallest->emplace(hash, node, row);
      if (smallest->size() <= most) return;
      refuse(std::get<1>(smallest->top()), std::get<2>(smallest->top()));
      smallest->pop();
    });
  }

  void Up(size_t component) {
    goes_up_ = true;
    round_ = 0;
    RowLists found;
    for (const Reference* reference : of_component_[component].from_others) {
      Follow(*reference, Side::kReferencing, nullptr, &found);
    }
    TakeAll(&found);
    // All rows of the component lead on, those that came down too.
    for (const Reference* reference : of_component_[component].within) {
      Follow(*reference, Side::kReferencing, nullptr, &found);
    }
    for (; !found.empty(); ++round_) {
      const RowLists fresh = TakeAll(&found);
      for (const Reference* reference : of_component_[component].within) {
        Follow(*reference, Side::kReferencing, &fresh, &found);
      }
    }
  }

  // Chooses these rows, empties the lists, and returns those that were new.
  RowLists TakeAll(RowLists* found) {
    SortOut(found);
    RowLists fresh;
    for (const auto& [node, rows] : *found) {
      for (const uint64_t row : rows) {
        if (choice_.rows[node].Add(row)) fresh[node].push_back(row);
      }
    }
    found->clear();
    return fresh;
  }

  const ReferenceGraph& graph_;
  const SubsetPlan& plan_;
  const KeysByNode& keys_;
  std::vector<ReadTable>& tables_;
  const Interrupt& interrupt_;
  std::vector<uint64_t> left_;    // Of each limit.
  std::vector<RowBits> refused_;  // By limits, so that each counts once.
  int round_ = 0;                 // Within the component at hand.
  std::vector<OfComponent> of_component_;
  bool goes_up_ = false;
  Choice choice_;
};

}  // namespace

KeysByNode KeysNeeded(const ReferenceGraph& graph, const SubsetPlan& plan) {
  KeysByNode needed(graph.nodes.size());
  const auto need = [&](const std::vector<KeySide>& sides) {
    for (const KeySide& side : sides) {
      auto& keys = needed[side.node];
      if (std::find(keys.begin(), keys.end(), side.key) == keys.end()) keys.push_back(side.key);
    }
  };
  const auto any = [&](const std::vector<KeySide>& sides, const auto& is_so) {
    return std::any_of(sides.begin(), sides.end(), [&](const KeySide& side) { return is_so(plan.tables[side.node]); });
  };
  const auto reached = [](const TablePlan& table) { return table.reached; };
  for (const Reference& reference : graph.references) {
    if (!reference.comparable) continue;
    const bool down = any(reference.referenced, reached) && any(reference.referencing, reached);
    const bool up = any(reference.referencing, [](const TablePlan& table) { return table.in_play(); }) &&
                    any(reference.referenced, [](const TablePlan& table) { return !table.whole; });
    if (!down && !up) continue;
    need(reference.referencing);
    need(reference.referenced);
  }
  return needed;
}

Choice ChooseByKeys(const ReferenceGraph& graph, const SubsetPlan& plan, const KeysByNode& keys,
                    std::vector<ReadTable>& tables, const Interrupt& interrupt) {
  return RowChooser(graph, plan, keys, tables, interrupt).Run();
}

}  // namespace rotv::subset
