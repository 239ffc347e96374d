#include "sync/subset/subset_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "storage/error.h"
#include "sync/context/mask_rule.h"
#include "sync/context/row_condition.h"
#include "sync/mask/row_filter.h"
#include "sync/mask/value_test.h"

namespace rotv::subset {
namespace {

using formats::TableName;

// The names of PostgreSQL's own types by which conditions compare (pg_type.oid, pg_type.typname). All others are equal
// or not, as the source writes them.
std::string TypeNameOf(uint32_t oid) {
  static const std::map<uint32_t, std::string> kNames = {
      {16, "bool"},          {20, "int8"},      {21, "int2"},     {23, "int4"},   {26, "oid"},
      {700, "float4"},       {701, "float8"},   {1042, "bpchar"}, {1082, "date"}, {1114, "timestamp"},
      {1184, "timestamptz"}, {1700, "numeric"}, {2950, "uuid"}};
  const auto found = kNames.find(oid);
  return found == kNames.end() ? "type without an order" : found->second;
}

size_t CountAny(const SubsetTable& entry) {
  return static_cast<size_t>(std::count(entry.parts.begin(), entry.parts.end(), kAnyPart));
}

bool Matches(const SubsetTable& entry, const TableName& name) {
  return (entry.parts[0] == kAnyPart || entry.parts[0] == name.first) &&
         (entry.parts[1] == kAnyPart || entry.parts[1] == name.second);
}

class Planner {
 public:
  Planner(const SubsetConfig& config, const ReferenceGraph& graph) : config_(config), graph_(graph) {}

  SubsetPlan Run() {
    RequireSubsetStart(config_);
    for (const SubsetTable& entry : config_.tables) RequireTable(entry);
    for (const TableNode& node : graph_.nodes) plan_.tables.push_back(PlanOf(node));
    return std::move(plan_);
  }

 private:
  void RequireTable(const SubsetTable& entry) const {
    if (CountAny(entry) > 0) return;
    const auto found = graph_.by_name.find({entry.parts[0], entry.parts[1]});
    if (found == graph_.by_name.end()) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{} names {}, which there is not at this point", config_.section, entry.pattern),
                  TablesText());
    }
    if (found->second.empty() && entry.take != SubsetTable::Take::kExclude) {
      throw Error(
          ErrorCode::kUsage, fmt::format("{} asks for rows of {}, which has none here", config_.section, entry.pattern),
          "it is excluded in rotv.toml, or its rows are not followed: rotv-sync status lists how each table is");
    }
  }

  std::string TablesText() const {
    constexpr size_t kMost = 20;
    std::string text = "the tables are: ";
    size_t count = 0;
    for (const auto& [name, nodes] : graph_.by_name) {
      if (count == kMost) return text + fmt::format(" and {} more", graph_.by_name.size() - kMost);
      text += fmt::format("{}{}.{}", count++ == 0 ? "" : ", ", name.first, name.second);
    }
    return text;
  }

  // An exact name of the table itself comes first, then one of what it is a partition of; then the fewest *.
  const SubsetTable* EntryOf(const TableNode& node) const {
    for (size_t any = 0; any <= 2; ++any) {
      for (const TableName& name : node.names) {
        const SubsetTable* found = nullptr;
        for (const SubsetTable& entry : config_.tables) {
          if (CountAny(entry) != any || !Matches(entry, name)) continue;
          if (found != nullptr) {
            throw Error(ErrorCode::kUsage,
                        fmt::format("{} has two entries for {}.{}: {} and {}", config_.section, name.first, name.second,
                                    found->pattern, entry.pattern),
                        "name the table itself");
          }
          found = &entry;
        }
        if (found != nullptr) return found;
      }
    }
    return nullptr;
  }

  TablePlan PlanOf(const TableNode& node) {
    TablePlan plan{.entry = EntryOf(node)};
    if (plan.entry == nullptr) return plan;
    plan.whole = plan.entry->take == SubsetTable::Take::kWhole;
    plan.excluded = plan.entry->take == SubsetTable::Take::kExclude;
    plan.reached = plan.starts();
    for (const std::string& text : plan.entry->where) AddCondition(node, text, &plan);
    if (plan.entry->limit) {
      const auto [limit, is_new] = limits_.emplace(std::pair(plan.entry, node.names.back()), plan_.limits.size());
      if (is_new) plan_.limits.push_back(*plan.entry->limit);
      plan.limit = limit->second;
    }
    return plan;
  }

  void AddCondition(const TableNode& node, const std::string& text, TablePlan* plan) const {
    const std::optional<RowCondition> condition = ParseRowCondition(text);
    if (!condition) throw Error(ErrorCode::kBug, fmt::format("not a condition: {}", text));
    std::string columns;
    for (const proto::Column& column : node.shape->columns()) {
      if (column.name() == condition->column) {
        const std::string type = TypeNameOf(column.type_oid());
        mask::MakeValueTest(*condition, type);  // Throws if the value does not fit.
        *plan->conditions.add_conditions() = mask::StoredCondition(*condition, column.number(), type);
        return;
      }
      columns += (columns.empty() ? "" : ", ") + column.name();
    }
    throw Error(ErrorCode::kUsage,
                fmt::format("{} has a condition on {} of {}, which there is not", config_.section, condition->column,
                            plan->entry->pattern),
                "its columns are: " + columns);
  }

  const SubsetConfig& config_;
  const ReferenceGraph& graph_;
  std::map<std::pair<const SubsetTable*, TableName>, size_t> limits_;
  SubsetPlan plan_;
};

}  // namespace

SubsetPlan MakePlan(const SubsetConfig& config, const ReferenceGraph& graph) { return Planner(config, graph).Run(); }

void FollowReferencing(const ReferenceGraph& graph, SubsetPlan* plan) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const Reference& reference : graph.references) {
      const bool leads =
          reference.comparable && std::any_of(reference.referenced.begin(), reference.referenced.end(),
                                              [&](const KeySide& side) { return plan->tables[side.node].reached; });
      if (!leads) continue;
      for (const KeySide& side : reference.referencing) {
        TablePlan& table = plan->tables[side.node];
        if (table.reached || table.excluded) continue;
        table.reached = changed = true;
      }
    }
  }
}

std::vector<const Reference*> FollowReferenced(const ReferenceGraph& graph, SubsetPlan* plan) {
  std::vector<const Reference*> unclear;
  for (bool changed = true; changed;) {
    changed = false;
    for (const Reference& reference : graph.references) {
      const bool has_rows = std::any_of(reference.referencing.begin(), reference.referencing.end(),
                                        [&](const KeySide& side) { return plan->tables[side.node].in_play(); });
      if (!has_rows) continue;
      bool makes_whole = false;
      for (const KeySide& side : reference.referenced) {
        TablePlan& table = plan->tables[side.node];
        makes_whole |= !reference.comparable && !table.whole;
        changed |= !table.referenced || makes_whole;
        table.referenced = true;
        table.whole |= !reference.comparable;
      }
      if (makes_whole) unclear.push_back(&reference);
    }
  }
  return unclear;
}

}  // namespace rotv::subset
