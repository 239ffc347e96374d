#include "sync/subset/choose_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "storage/epochs.h"
#include "storage/error.h"
#include "sync/postgres/large_objects.h"
#include "sync/subset/left_out.h"
#include "sync/subset/reference_graph.h"
#include "sync/subset/row_chooser.h"
#include "sync/subset/row_reader.h"
#include "sync/subset/subset_plan.h"

namespace rotv::subset {
namespace {

// "a, b, c and 4 more"
std::string NamesText(const std::vector<std::string>& names) {
  constexpr size_t kMost = 10;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() <= kMost ? text : text + fmt::format(" and {} more", names.size() - kMost);
}

class Subset {
 public:
  Subset(const RowStore& store, Lsn lsn, const SubsetConfig& config, Progress& progress, const Interrupt& interrupt)
      : store_(store),
        lsn_(lsn),
        config_(config),
        progress_(progress),
        interrupt_(interrupt),
        schema_(store.SchemaAt(lsn)),
        epochs_(EpochsAt(store.manifest(), lsn)),
        file_(store.directory()) {}

  ChosenRows Run() {
    progress_.Begin("choosing the subset's rows", Progress::Unit::kRows, 0);
    graph_ = MakeGraph(schema_, store_.shapes());
    plan_ = MakePlan(config_, graph_);
    if (config_.follow == SubsetConfig::Follow::kNothing) {
      chosen_.not_valid = KeysToRowsLeftOut(config_, graph_, plan_, store_.manifest().source().server_version());
      graph_.references.clear();
    }
    FollowReferencing(graph_, &plan_);
    TakeUnreachedWhole();
    for (const Reference* reference : FollowReferenced(graph_, &plan_)) {
      chosen_.remarks.push_back(
          fmt::format("values of {} cannot be compared here: what it references is taken whole", reference->text));
    }
    keys_ = KeysNeeded(graph_, plan_);
    Read();
    const Choice choice = ChooseByKeys(graph_, plan_, keys_, tables_, interrupt_);
    Remark(choice);
    Take(choice);
    progress_.End();
    return std::move(chosen_);
  }

 private:
  ScanRequest ScanOf(size_t node) const {
    const proto::Table& table = *graph_.nodes[node].table;
    return {
        .table = table.id(), .epoch = EpochOf(epochs_, table, lsn_), .lsn = lsn_, .range = {}, .shape = table.shape()};
  }

  const std::string& NameOf(size_t node) const { return graph_.nodes[node].table->quoted_name(); }

  // Tables that no row of the subset leads to: lookup tables, settings, logs.
  void TakeUnreachedWhole() {
    for (size_t node = 0; node < graph_.nodes.size(); ++node) {
      interrupt_.Check();
      TablePlan& table = plan_.tables[node];
      if (table.whole || table.excluded || table.reached) continue;
      table.whole = config_.others == SubsetConfig::Others::kWhole ||
                    CountRows(store_, ScanOf(node), config_.small + 1) <= config_.small;
    }
  }

  // Reads tables in the order in which rows of one lead to rows of the next, so that most rows are known to be chosen
  // when they are read: their lines are kept, and the seed's writer need not read the table again. It is a guess, and
  // the choice does not depend on it: limits and circles are not looked at.
  void Read() {
    tables_.resize(graph_.nodes.size());
    for (const std::vector<size_t>& component : graph_.components) ReadOf(component, Way::kDown);
    for (auto component = graph_.components.rbegin(); component != graph_.components.rend(); ++component) {
      ReadOf(*component, Way::kUp);
    }
  }

  enum class Way { kDown, kUp };

  void ReadOf(const std::vector<size_t>& component, Way way) {
    merged_.clear();
    std::vector<ReadRequest> requests;
    std::vector<size_t> nodes;
    for (const size_t node : component) {
      const TablePlan& plan = plan_.tables[node];
      const bool comes_down = plan.reached && !plan.whole;
      if (comes_down != (way == Way::kDown) || (keys_[node].empty() && !comes_down)) continue;
      requests.push_back(RequestFor(node));
      nodes.push_back(node);
    }
    if (requests.empty()) return;
    std::vector<ReadTable> read = ReadTables(requests, place_);
    for (size_t i = 0; i < nodes.size(); ++i) tables_[nodes[i]] = std::move(read[i]);
  }

  ReadRequest RequestFor(size_t node) {
    const TablePlan& plan = plan_.tables[node];
    const TableNode& of = graph_.nodes[node];
    ReadRequest request{.table = *of.table, .shape = of.shape, .scan = ScanOf(node), .keys = keys_[node]};
    *request.table.mutable_mask() = plan.conditions;
    request.seed = TableSeed(of.names.back().first, of.names.back().second);
    request.keeps_row_hashes = plan.limit.has_value();
    request.starts = plan.starts();
    if (request.starts) request.percent_millionths = plan.entry->percent_millionths;
    request.whole = plan.whole;
    request.likely.resize(request.keys.size());
    for (const Reference& reference : graph_.references) {
      if (!reference.comparable) continue;
      if (plan.reached && !plan.whole) {
        AddLikely(node, reference.referencing, reference.referenced, &request);
      } else if (!plan.whole) {
        AddLikely(node, reference.referenced, reference.referencing, &request);
      }
    }
    return request;
  }

  // Adds the keys of rows on the other side of a reference that were read before.
  void AddLikely(size_t node, const std::vector<KeySide>& own, const std::vector<KeySide>& others,
                 ReadRequest* request) {
    for (const KeySide& side : own) {
      const auto key = std::find(request->keys.begin(), request->keys.end(), side.key);
      if (side.node != node || key == request->keys.end()) continue;
      const HashSet* likely = LikelyKeysOf(others);
      if (likely->size() > 0) request->likely[static_cast<size_t>(key - request->keys.begin())].push_back(likely);
    }
  }

  // The set of one table is used where it is. Those of partitions are put together once, since each partition of the
  // other side asks for them: a copy for each of some hundred would take all memory, a lookup in each all time.
  const HashSet* LikelyKeysOf(const std::vector<KeySide>& sides) {
    const auto [merged, is_new] = merged_.try_emplace(&sides);
    std::vector<const HashSet*> sets;
    for (const KeySide& side : sides) {
      const auto& keys = keys_[side.node];
      const auto at = static_cast<size_t>(std::find(keys.begin(), keys.end(), side.key) - keys.begin());
      const std::vector<HashSet>& read = tables_[side.node].likely_keys;
      if (at < read.size() && read[at].size() > 0) sets.push_back(&read[at]);
    }
    if (sets.size() == 1) return sets.front();
    HashSet* const together = &merged->second;
    if (is_new) {
      for (const HashSet* set : sets) set->ForEach([together](uint64_t hash) { together->Add(hash); });
    }
    return together;
  }

  void Remark(const Choice& choice) {
    uint64_t started = 0;
    std::vector<std::string> empty;
    std::map<size_t, std::pair<uint64_t, uint64_t>> limits;  // Rows that came and that did not, by limit.
    std::map<size_t, std::pair<uint64_t, std::string>> all;  // All rows, and the name.
    for (size_t node = 0; node < graph_.nodes.size(); ++node) {
      const TablePlan& plan = plan_.tables[node];
      if (plan.starts()) started += choice.came[node];
      if (!plan.in_play() && !plan.excluded) empty.push_back(NameOf(node));
      const uint64_t rows = choice.rows[node].Count(0, tables_[node].rows);
      if (plan.excluded && rows > 0) {
        chosen_.remarks.push_back(
            fmt::format("{} is excluded, but {} of its rows are referenced, so they are there", NameOf(node), rows));
      }
      if (!plan.limit || plan.whole) continue;
      limits[*plan.limit].first += choice.came[node];
      limits[*plan.limit].second += choice.left_out[node];
      all[*plan.limit].first += rows;
      all[*plan.limit].second = plan.entry->pattern;
    }
    for (const auto& [limit, counts] : limits) {
      const auto& [rows, name] = all[limit];
      if (counts.second > 0) {
        chosen_.remarks.push_back(fmt::format("the limit of {} leaves out {} rows", name, counts.second));
      }
      if (rows > plan_.limits[limit]) {
        chosen_.remarks.push_back(fmt::format("{} has {} rows, which is above its limit of {}: others reference them",
                                              name, rows, plan_.limits[limit]));
      }
    }
    if (config_.follow == SubsetConfig::Follow::kNothing) return;
    if (started == 0) chosen_.remarks.emplace_back("no row is where [subset] starts");
    if (!empty.empty()) {
      chosen_.remarks.push_back(fmt::format(
          "no row leads to these tables, so they are empty: {} (\"whole\" in [subset] takes one)", NamesText(empty)));
    }
  }

  void Take(const Choice& choice) {
    for (const proto::Table& table : schema_.tables()) {
      if (table.id() == postgres::kLargeObjectTable) chosen_.whole.insert(table.id());
    }
    for (size_t node = 0; node < graph_.nodes.size(); ++node) {
      const TableId id = graph_.nodes[node].table->id();
      if (plan_.tables[node].whole) {
        chosen_.whole.insert(id);
      } else if (tables_[node].rows > 0) {
        const bool has_lines = tables_[node].likely_rows == choice.rows[node];
        chosen_.tables[id] = {
            .rows = choice.rows[node], .ranges = std::move(tables_[node].ranges), .has_lines = has_lines};
      }
    }
  }

  const RowStore& store_;
  const Lsn lsn_;
  const SubsetConfig& config_;
  Progress& progress_;
  const Interrupt& interrupt_;
  const proto::SchemaVersion schema_;
  const std::map<TableId, EpochNumber> epochs_;
  HashFile file_;
  ReadPlace place_{store_, file_, progress_, interrupt_};
  ReferenceGraph graph_;
  SubsetPlan plan_;
  KeysByNode keys_;
  std::vector<ReadTable> tables_;
  std::map<const std::vector<KeySide>*, HashSet> merged_;  // By the side of a reference; of the component at hand.
  ChosenRows chosen_;
};

}  // namespace

void RequireSubsetFits(const RowStore& store, Lsn lsn, const SubsetConfig& config) {
  const proto::SchemaVersion schema = store.SchemaAt(lsn);
  const ReferenceGraph graph = MakeGraph(schema, store.shapes());
  const SubsetPlan plan = MakePlan(config, graph);
  if (config.follow == SubsetConfig::Follow::kNothing) {
    KeysToRowsLeftOut(config, graph, plan, store.manifest().source().server_version());
  }
}

ChosenRows ChooseRows(const RowStore& store, Lsn lsn, const SubsetConfig& config, Progress& progress,
                      const Interrupt& interrupt) {
  return Subset(store, lsn, config, progress, interrupt).Run();
}

}  // namespace rotv::subset
