// What the config says of masking. Plain data; read and checked for its form by the command line's layer, and against
// the source's catalogue by MaskPlan.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rotv {

enum class MaskKind {
  // Of columns.
  kEmail,
  kName,
  kFirstName,
  kLastName,
  kPhone,
  kAddress,
  kIp,
  kUrl,
  kUuid,
  kText,
  kHash,
  kNumber,
  kDate,
  kPassword,
  kNull,
  kConstant,
  kJson,
  kKeep,
  // Of tables; kKeep also: nothing in them is to be taken for personal.
  kDrop,
  kSample,
  kWhere,
};

// Stands in a rule's pattern for any schema, table or column.
inline constexpr std::string_view kAnyPart = "*";

struct MaskPath;

struct MaskRule {
  MaskKind kind = MaskKind::kKeep;
  std::string name;                // Of the kind, as it is written: "first_name".
  std::string pattern;             // As it is written, for messages: "public.users.email".
  std::vector<std::string> parts;  // Schema, table, and column where there is one; "*" stands for any.

  std::string value;                    // Of kConstant and kPassword.
  int length = 32;                      // Of kHash: characters, or bytes of a bytea.
  int64_t by = 0;                       // Of kNumber: closer to the value than this. Of kDate: days.
  int percent = 0;                      // Of kSample.
  std::vector<std::string> conditions;  // Of kWhere: as ParseRowCondition() takes them.
  std::vector<MaskPath> paths;          // Of kJson: what is masked how.
};

// A part of a JSON document.
struct MaskPath {
  std::string path;
  MaskRule rule;
};

// What becomes of a column that looks personal and has no rule.
enum class MaskUnknown { kRefuse, kNull, kKeep };

struct MaskConfig {
  bool declared = false;  // There is a section, perhaps without a rule.
  std::vector<MaskRule> rules;
  MaskUnknown unknown = MaskUnknown::kRefuse;
  std::string secret_file;  // Empty: HOME/mask-secret, made on first use.

  bool empty() const { return !declared && rules.empty(); }
};

}  // namespace rotv
