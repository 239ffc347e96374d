// The masking section of the config. Plain data: cli/config reads it and checks its form, and MaskPlan checks it
// against the source's catalogue.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rotv {

enum class MaskKind {
  // Rules for columns.
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
  // Rules for tables; so is kKeep, which exempts the whole table from PII detection.
  kDrop,
  kSample,
  kWhere,
};

// Matches any schema, table or column in a rule's pattern.
inline constexpr std::string_view kAnyPart = "*";

struct MaskPath;

struct MaskRule {
  MaskKind kind = MaskKind::kKeep;
  std::string name;                // The kind's name in the config: "first_name".
  std::string pattern;             // The pattern in the config, for messages: "public.users.email".
  std::vector<std::string> parts;  // Schema, table, and for a column its name; "*" matches any.

  std::string value;                    // kConstant and kPassword: the new value.
  int length = 32;                      // kHash: characters, or bytes of a bytea.
  int64_t by = 0;                       // Noise. kNumber: the result differs by less than this. kDate: days.
  int percent = 0;                      // kSample: the rows that are kept.
  std::vector<std::string> conditions;  // kWhere: in the form of ParseRowCondition().
  std::vector<MaskPath> paths;          // kJson: the parts of the document, and the rule of each.
};

// A part of a JSON document, and its rule.
struct MaskPath {
  std::string path;
  MaskRule rule;
};

// The treatment of a column in which PII detection finds something and that has no rule.
enum class MaskUnknown { kRefuse, kNull, kKeep };

struct MaskConfig {
  bool declared = false;  // The config has the section, perhaps without a rule.
  std::vector<MaskRule> rules;
  MaskUnknown unknown = MaskUnknown::kRefuse;
  std::string secret_file;  // Empty: HOME/mask-secret, created on first use.

  bool empty() const { return !declared && rules.empty(); }
};

}  // namespace rotv
