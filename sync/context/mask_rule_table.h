// The table of masking rules has a row for each rule. The row says everything about the rule except how values are
// masked, which is a line in sync/mask/make_masker.cc. The readers of the config and the store, rules in messages,
// suggestions, `mask --help` and the check of whether a rule fits a column all use the row.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sync/context/mask_rule.h"

namespace rotv {

// MaskSetting is what a rule may say besides its name: { rule = "hash", length = 40 }.
struct MaskSetting {
  // Member is where a MaskRule keeps the setting: numbers, a text, row conditions, paths of a document.
  using Member = std::variant<int MaskRule::*, int64_t MaskRule::*, std::string MaskRule::*,
                              std::vector<std::string> MaskRule::*, std::vector<MaskPath> MaskRule::*>;
  std::string_view name;
  Member member;
  bool required = true;
  int64_t least = 0, most = 0;   // The range of a number.
  int64_t suggested_number = 0;  // The value in a suggested rule; 0 or "" if there is none to suggest.
  std::string_view suggested_text = {};
};

// MaskTypes is a set of column types, by their names in pg_type.
struct MaskTypes {
  enum class Group { kNone, kTexts, kAny };
  Group group = Group::kNone;
  std::string_view others = {};  // More types, separated by blanks: "inet cidr".

  bool Has(std::string_view type) const;
};

struct MaskRuleRow {  // NOLINT(clang-analyzer-optin.performance.Padding): in the order in which people read it.
  enum class For { kColumns, kTables, kBoth };
  // InDocuments says what the rule does at a path of a JSON document.
  enum class InDocuments {
    kNowhere,  // The config refuses it there.
    kTexts,    // Texts are masked by the rule; numbers become other numbers.
    kNumbers,  // Numbers are masked by the rule; texts as by "text".
    kAll,      // Texts and numbers are both replaced by what the rule makes.
  };
  // Unique says what remains unique of values that were unique.
  enum class Unique {
    kNothing,
    kNulls,   // All values become NULL, which is enough unless NULLs are equal.
    kValues,  // The values remain unique, also if their case is ignored.
    kTexts,   // kValues, and so do results of functions that keep the letters and digits of a text.
    kDays,    // kValues, and so does the day of a timestamp.
  };

  MaskKind kind;
  std::string_view name;  // The name in the config and in the store; it never changes.
  For what = For::kColumns;
  MaskTypes types = {};
  std::span<const MaskSetting> settings = {};
  Unique unique = Unique::kNothing;
  InDocuments in_documents = InDocuments::kNowhere;
  bool in_part = false;        // True if a part of a value, or of the rows, may stay as it was.
  std::string_view help = {};  // What the rule gives, in one line.

  bool Takes(std::string_view setting) const;
};

// Gives every row, in the order of MaskKind.
std::span<const MaskRuleRow> MaskRuleTable();
const MaskRuleRow& RowOf(MaskKind kind);
// Gives the row with this name; null if there is none.
const MaskRuleRow* RowNamed(std::string_view name);
std::vector<std::string> MaskRuleNames();

// Makes a rule with settings that fit most columns.
MaskRule SuggestedRule(MaskKind kind);

}  // namespace rotv
