// Masking a document: a path is understood or refused; the result is a document of the same form, or null; what no path
// leads to keeps its value, and what one leads to is masked. An input is paths, each on a line, an empty line, and a
// document.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/context/mask_rule.h"
#include "sync/mask/make_masker.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::mask {
namespace {

using Json = nlohmann::ordered_json;
using Steps = std::vector<std::string>;

constexpr const char* kMasked = "masked";
constexpr size_t kMostNesting = 60;  // The definition below tries all ways.
constexpr size_t kMostPaths = 3;

// A path by its definition: $ and then .NAME, ..NAME or [NAME].
std::optional<Steps> StepsOf(std::string_view path) {
  if (!path.starts_with('$') || path.size() < 2) return std::nullopt;
  Steps steps;
  for (path.remove_prefix(1); !path.empty();) {
    if (path.starts_with("..")) {
      steps.emplace_back("**");
      path.remove_prefix(1);
    }
    const char first = path.front();
    if (first != '.' && first != '[') return std::nullopt;
    path.remove_prefix(1);
    const size_t end = first == '[' ? path.find(']') : std::min(path.find_first_of(".["), path.size());
    if (end == std::string_view::npos || end == 0) return std::nullopt;
    steps.emplace_back(path.substr(0, end));
    path.remove_prefix(first == '[' ? end + 1 : end);
  }
  if (steps.size() > 63) return std::nullopt;
  return steps;
}

// True if the steps lead to `at` or to something that it is part of.
bool Leads(const Steps& steps, size_t step, const Steps& at, size_t depth) {
  if (step == steps.size()) return true;
  if (depth == at.size()) return steps[step] == "**" && Leads(steps, step + 1, at, depth);
  if (steps[step] == "**") return Leads(steps, step + 1, at, depth) || Leads(steps, step, at, depth + 1);
  return (steps[step] == "*" || steps[step] == at[depth]) && Leads(steps, step + 1, at, depth + 1);
}

class BothDocuments {
 public:
  explicit BothDocuments(std::vector<Steps> paths) : paths_(std::move(paths)) {}

  void Compare(const Json& before, const Json& after) {
    if (at_.size() > kMostNesting) return;
    if (before.is_structured()) {
      FuzzCheck(before.type() == after.type() && before.size() == after.size());
      auto other = after.begin();
      size_t index = 0;
      for (auto member = before.begin(); member != before.end(); ++member, ++other, ++index) {
        if (before.is_object()) FuzzCheck(member.key() == other.key());
        at_.push_back(before.is_object() ? member.key() : std::to_string(index));
        Compare(*member, *other);
        at_.pop_back();
      }
      return;
    }
    bool masked = false;
    for (const Steps& steps : paths_) masked |= Leads(steps, 0, at_, 0);
    if (masked && (before.is_string() || before.is_number())) {
      FuzzCheck(after == kMasked);
    } else {
      FuzzCheck(after == before);
    }
  }

 private:
  const std::vector<Steps> paths_;
  Steps at_;
};

void CheckJsonMask(std::string_view bytes) {
  FuzzInput input(bytes);
  MaskRule rule{.kind = MaskKind::kJson, .name = "json", .pattern = "t.c"};
  std::vector<Steps> paths;
  bool valid = true;
  for (std::string_view path = input.Line(); !path.empty(); path = input.Line()) {
    MaskRule constant{.kind = MaskKind::kConstant, .name = "constant", .pattern = "t.c", .value = kMasked};
    if (rule.paths.size() == kMostPaths) continue;
    rule.paths.push_back({std::string(path), constant});
    const std::optional<Steps> steps = StepsOf(path);
    valid &= steps.has_value();
    if (steps) paths.push_back(*steps);
  }
  std::unique_ptr<const Masker> masker;
  const bool accepted =
      AcceptedOr(ErrorCode::kUsage, [&] { masker = MakeMasker(rule, {.name = "c", .type = "json"}, MaskSecret{1}); });
  FuzzCheck(accepted == valid || rule.paths.empty());
  if (!accepted) return;
  const std::string_view document = input.Rest();
  std::string masked = "before";
  FuzzCheck(masker->Append(document, &masked));
  FuzzCheck(masked.starts_with("before"));
  masked.erase(0, 6);
  const Json before = Json::parse(document, nullptr, false), after = Json::parse(masked, nullptr, false);
  FuzzCheck(!after.is_discarded());
  if (before.is_discarded()) {
    FuzzCheck(masked == "null");
  } else if (!paths.empty() && before.dump().find("\":") == std::string::npos) {
    BothDocuments(paths).Compare(before, after);  // A member that comes twice is one in what the parser gives.
  } else if (!paths.empty()) {
    std::string twice;
    FuzzCheck(masker->Append(masked, &twice) && twice == masked);  // A constant is masked by itself.
    BothDocuments(paths).Compare(Json::parse(before.dump()), [&] {
      std::string again;
      FuzzCheck(masker->Append(before.dump(), &again));
      return Json::parse(again);
    }());
  }
}

}  // namespace
}  // namespace rotv::mask

ROTV_FUZZ_TARGET(json_mask, rotv::mask::CheckJsonMask)
