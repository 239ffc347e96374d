// The table of masking rules: a row says all that is to be known of a rule but how it is done, which is a line in
// sync/mask/make_masker.cc. Reading the config, storing, writing rules for people, suggesting and the check of whether
// a rule fits a column all go by it.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sync/context/mask_rule.h"

namespace rotv {

// What a rule may say beside its name: { rule = "hash", length = 40 }.
struct MaskSetting {
  // Where a rule has it. Numbers, a text, row conditions, paths of a document.
  using Member = std::variant<int MaskRule::*, int64_t MaskRule::*, std::string MaskRule::*,
                              std::vector<std::string> MaskRule::*, std::vector<MaskPath> MaskRule::*>;
  std::string_view name;
  Member member;
  bool required = true;
  int64_t least = 0, most = 0;   // Of a number.
  int64_t suggested_number = 0;  // What a suggested rule says; 0 and "" where there is nothing to suggest.
  std::string_view suggested_text = {};
};

// Types of columns, by their names in pg_type.
struct MaskTypes {
  enum class Group { kNone, kTexts, kAny };
  Group group = Group::kNone;
  std::string_view others = {};  // Beside those of the group, with blanks in between: "inet cidr".

  bool Has(std::string_view type) const;
};

struct MaskRuleRow {
  enum class For { kColumns, kTables, kBoth };
  // At a path of a document.
  enum class InDocuments {
    kNowhere,  // It is refused there.
    kTexts,    // It masks texts; numbers become others.
    kNumbers,  // It masks numbers; texts keep their length and shape.
    kAll,      // What it makes takes the place of texts and numbers alike.
  };
  // What stays unique of values that are.
  enum class Unique {
    kNothing,
    kNulls,   // All become NULL: fine where NULLs are not equal.
    kValues,  // The values, with or without their case.
    kTexts,   // Also what is left of a text by functions that leave its letters and digits.
    kDays,    // Also the day of a timestamp.
  };

  MaskKind kind;
  std::string_view name;  // In the config, and in the store: never changed.
  For what = For::kColumns;
  MaskTypes types = {};
  std::span<const MaskSetting> settings = {};
  Unique unique = Unique::kNothing;
  InDocuments in_documents = InDocuments::kNowhere;
  bool in_part = false;        // A part of a value, or of the rows, may stay as it was.
  std::string_view help = {};  // What it gives, in a line.

  bool Takes(std::string_view setting) const;
};

// Every row, in the order of MaskKind.
std::span<const MaskRuleRow> MaskRuleTable();
const MaskRuleRow& RowOf(MaskKind kind);
// The row of this name; null if there is none.
const MaskRuleRow* RowNamed(std::string_view name);
std::vector<std::string> MaskRuleNames();

// A rule with the settings that fit most columns.
MaskRule SuggestedRule(MaskKind kind);

}  // namespace rotv
