#include "sync/context/mask_kinds.h"

namespace rotv {
namespace {

struct KindName {
  const char* name;
  MaskKind kind;
};

constexpr KindName kKinds[] = {{"email", MaskKind::kEmail},
                               {"name", MaskKind::kName},
                               {"first_name", MaskKind::kFirstName},
                               {"last_name", MaskKind::kLastName},
                               {"phone", MaskKind::kPhone},
                               {"address", MaskKind::kAddress},
                               {"ip", MaskKind::kIp},
                               {"url", MaskKind::kUrl},
                               {"uuid", MaskKind::kUuid},
                               {"text", MaskKind::kText},
                               {"hash", MaskKind::kHash},
                               {"number", MaskKind::kNumber},
                               {"date", MaskKind::kDate},
                               {"password", MaskKind::kPassword},
                               {"null", MaskKind::kNull},
                               {"constant", MaskKind::kConstant},
                               {"json", MaskKind::kJson},
                               {"keep", MaskKind::kKeep},
                               {"drop", MaskKind::kDrop},
                               {"sample", MaskKind::kSample},
                               {"where", MaskKind::kWhere}};

}  // namespace

std::optional<MaskKind> MaskKindOf(std::string_view name) {
  for (const KindName& kind : kKinds) {
    if (name == kind.name) return kind.kind;
  }
  return std::nullopt;
}

std::vector<std::string> MaskKindNames() {
  std::vector<std::string> names;
  for (const KindName& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

}  // namespace rotv
