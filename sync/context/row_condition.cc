#include "sync/context/row_condition.h"

#include <algorithm>

#include "storage/ascii_case.h"
#include "storage/trimmed.h"

// One comparison of one column with one literal, and nothing else: such a condition can be evaluated here, on values as
// they come in COPY text and in the stream. Free SQL expressions were refused: only the source could evaluate them, and
// a publication's own row filters make it refuse updates of tables whose conditions are not about the replica identity.

namespace rotv {
namespace {

struct ComparisonName {
  std::string_view text;
  Comparison comparison;
};
// A longer operator comes before its own prefixes.
constexpr ComparisonName kComparisons[] = {
    {">=", Comparison::kGreaterOrEqual}, {"<=", Comparison::kLessOrEqual}, {"<>", Comparison::kNotEqual},
    {"!=", Comparison::kNotEqual},       {"=", Comparison::kEqual},        {"<", Comparison::kLess},
    {">", Comparison::kGreater},
};

// A condition is one comparison, and no SQL: a name ends at an operator, and a value goes to the end. So no lexer of
// SQL reads it.

// Removes a quoted text from the front of `text` and returns what is between the quotes, in which a doubled quote means
// one. nullopt if it is not closed.
std::optional<std::string> TakeQuoted(char quote, std::string_view* text) {
  std::string inside;
  for (size_t i = 1; i < text->size(); ++i) {
    if ((*text)[i] != quote) {
      inside.push_back((*text)[i]);
    } else if (i + 1 < text->size() && (*text)[i + 1] == quote) {
      inside.push_back(quote);
      ++i;
    } else {
      text->remove_prefix(i + 1);
      return inside;
    }
  }
  return std::nullopt;
}

std::optional<std::string> TakeColumn(std::string_view* text) {
  if (text->starts_with('"')) return TakeQuoted('"', text);
  size_t end = std::min(text->find_first_of(" <>=!"), text->size());
  std::string name(text->substr(0, end));
  text->remove_prefix(end);
  return name;
}

}  // namespace

std::optional<RowCondition> ParseRowCondition(std::string_view text) {
  text = Trimmed(text, " ");
  RowCondition condition;
  std::optional<std::string> column = TakeColumn(&text);
  if (!column || column->empty()) return std::nullopt;
  condition.column = *column;
  text = Trimmed(text, " ");
  const std::string words = AsciiLower(text);
  if (words == "is null" || words == "is not null") {
    condition.comparison = words == "is null" ? Comparison::kIsNull : Comparison::kIsNotNull;
    return condition;
  }
  for (const ComparisonName& name : kComparisons) {
    if (!text.starts_with(name.text)) continue;
    condition.comparison = name.comparison;
    text = Trimmed(text.substr(name.text.size()), " ");
    if (!text.starts_with('\'')) {
      condition.value = text;
      return text.empty() ? std::nullopt : std::optional(condition);
    }
    std::optional<std::string> value = TakeQuoted('\'', &text);
    if (!value || !text.empty()) return std::nullopt;
    condition.value = *value;
    return condition;
  }
  return std::nullopt;
}

}  // namespace rotv
