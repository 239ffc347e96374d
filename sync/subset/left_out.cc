#include "sync/subset/left_out.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "storage/error.h"

namespace rotv::subset {
namespace {

constexpr uint32_t kNotValidOfPartitioned = 180000;

bool IsPartitioned(const TableNode& node, const formats::ConstraintName& constraint) {
  const formats::TableName own{std::get<0>(constraint), std::get<1>(constraint)};
  return node.names.front() != own;
}

}  // namespace

std::vector<formats::ConstraintName> KeysToRowsLeftOut(const SubsetConfig& config, const ReferenceGraph& graph,
                                                       const SubsetPlan& plan, uint32_t server_version) {
  const auto has_rows = [&](const KeySide& side) { return !plan.tables[side.node].excluded; };
  const auto lacks = [&](const KeySide& side) {
    return plan.tables[side.node].excluded || plan.tables[side.node].starts();
  };
  std::vector<std::string> refused;
  std::vector<formats::ConstraintName> not_valid;
  for (const Reference& reference : graph.references) {
    const auto& from = reference.referencing;
    if (!reference.is_checked || std::none_of(from.begin(), from.end(), has_rows) ||
        std::none_of(reference.referenced.begin(), reference.referenced.end(), lacks)) {
      continue;
    }
    const bool is_ours = !std::get<2>(reference.constraint).empty();
    const bool possible = is_ours && (server_version >= kNotValidOfPartitioned ||
                                      std::none_of(from.begin(), from.end(), [&](const KeySide& side) {
                                        return IsPartitioned(graph.nodes[side.node], reference.constraint);
                                      }));
    if (config.allows_not_valid && possible) {
      not_valid.push_back(reference.constraint);
    } else {
      const std::string why = config.allows_not_valid ? " (it cannot be NOT VALID)" : "";
      refused.push_back(reference.text + why);
    }
  }
  if (refused.empty()) return not_valid;
  throw Error(
      ErrorCode::kUsage,
      fmt::format("{} leaves out rows that others reference, so no seed could be imported: {}", config.section,
                  fmt::join(refused, ", ")),
      "leave out the rows that reference them, too; or take subset = true in place of where, sample and exclude, and "
      "have [subset] bring what is referenced; or missing_references = \"not_valid\" in [sources.NAME] "
      "(docs/configuration.md)");
}

}  // namespace rotv::subset
