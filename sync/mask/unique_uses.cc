#include "sync/mask/unique_uses.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <regex>
#include <set>

#include "storage/ascii_case.h"

namespace rotv::mask {

// Masked values stay unique in an index on an expression only if the expression keeps enough of a value. That is judged
// from the text that the server deparses, after casts between text types, collations and parentheses are removed: the
// column itself, lower() or upper() of it, functions that keep letters and digits in their order, or the day of a
// timestamp. Everything else, and any expression that names the column more than once, is kUnknown, for which only few
// rules are accepted. An expression that is not understood is thus refused, never guessed; the price is that some
// harmless ones are refused, too.

namespace {

// One word of an expression: a name (a quoted one without its quotes), a function's name, a literal, or a sign.
struct Word {
  enum class Kind { kName, kQuoted, kFunction, kLiteral, kNumber, kSign } kind = Kind::kSign;
  std::string text;
};

// Returns the text between the quote at `*at` and the next one that is not doubled; `*at` is advanced past it.
std::string TakeQuoted(const std::string& text, size_t* at) {
  const char quote = text[(*at)++];
  std::string inside;
  for (; *at < text.size(); ++*at) {
    if (text[*at] == quote && (*at + 1 == text.size() || text[*at + 1] != quote)) break;
    if (text[*at] == quote) ++*at;
    inside.push_back(text[*at]);
  }
  if (*at < text.size()) ++*at;
  return inside;
}

// Reads what the server deparses, and only that, where PsqlLexer reads what psql does: casts and concatenations are one
// word each, and what is not known here (E'…', 1.5) falls into several, which nothing understands.
std::vector<Word> TokensOf(const std::string& text) {
  const auto in_name = [](char c) { return c == '_' || c == '$' || (c & 0x80) != 0 || std::isalnum(c) != 0; };
  std::vector<Word> words;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == ' ' || c == '\n' || c == '\t') {
      ++at;
    } else if (c == '"') {
      words.push_back({Word::Kind::kQuoted, TakeQuoted(text, &at)});
    } else if (c == '\'') {
      words.push_back({Word::Kind::kLiteral, TakeQuoted(text, &at)});
    } else if (in_name(c)) {
      const size_t begin = at;
      while (at < text.size() && in_name(text[at])) ++at;
      const bool digits = std::isdigit(c) != 0;
      words.push_back({digits ? Word::Kind::kNumber : Word::Kind::kName, text.substr(begin, at - begin)});
    } else {
      const bool pair = text.compare(at, 2, "::") == 0 || text.compare(at, 2, "||") == 0;
      words.push_back({Word::Kind::kSign, text.substr(at, pair ? 2 : 1)});
      at += pair ? 2 : 1;
    }
  }
  return words;
}

bool IsSign(const Word& word, const char* sign) { return word.kind == Word::Kind::kSign && word.text == sign; }
bool IsName(const Word& word) { return word.kind == Word::Kind::kName || word.kind == Word::Kind::kQuoted; }

// An expression without its casts, collations and parentheses.
struct Simplified {
  std::vector<Word> words;
  bool known_casts = true;     // All casts were between text types,
  bool to_day = false;         // or one was to a date.
  bool own_collation = false;  // A collation was named under which lower() may do something else.
};

// Skips a type's name from `at` on: public.citext, character varying(20), timestamp without time zone. Returns its
// first word after the schema; nothing if it has a length, to which a cast truncates.
std::string TakeType(const std::vector<Word>& words, size_t* at) {
  if (*at + 1 < words.size() && IsSign(words[*at + 1], ".")) *at += 2;
  const std::string type = *at < words.size() ? words[*at].text : "";
  while (*at < words.size() && IsName(words[*at])) ++*at;
  if (*at + 2 < words.size() && IsSign(words[*at], "(") && IsSign(words[*at + 2], ")")) {
    *at += 3;
    return "";
  }
  return type;
}

Simplified Simplify(const std::string& expression) {
  const std::vector<Word> words = TokensOf(expression);
  Simplified result;
  for (size_t at = 0; at < words.size();) {
    if (IsSign(words[at], "::")) {
      const std::string type = TakeType(words, &++at);
      static const std::set<std::string> kTexts = {"text", "character", "bpchar", "citext"};
      if (type == "date") {
        result.to_day = true;
      } else if (kTexts.count(type) == 0) {
        result.known_casts = false;
      }
    } else if (words[at].kind == Word::Kind::kName && words[at].text == "COLLATE") {
      // Only the names of PostgreSQL's own collations come without a schema.
      const bool of_user = at + 2 < words.size() && IsSign(words[at + 2], ".");
      result.own_collation |= of_user || (at + 1 < words.size() && HasOwnCase(words[at + 1].text));
      at += of_user ? 4 : 2;
    } else if (IsSign(words[at], "(") || IsSign(words[at], ")")) {
      ++at;
    } else {
      result.words.push_back(words[at++]);
      const bool called = at < words.size() && IsSign(words[at], "(");
      if (called && IsName(result.words.back())) result.words.back().kind = Word::Kind::kFunction;
    }
  }
  return result;
}

bool HasLettersOrDigits(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0 || std::isalnum(c) != 0; });
}

bool IsKeyword(const std::string& name) {
  return std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// True if the expression only uses functions that keep the letters and digits of a text in their order, so that two
// texts that differ in these, and not only in case, stay different; or md5(), which gives different texts different
// values.
bool KeepsText(const std::vector<Word>& words) {
  static const std::set<std::string> kRemoving = {"btrim", "ltrim", "rtrim", "replace"};
  const bool removes = std::any_of(words.begin(), words.end(), [&](const Word& word) {
    return word.kind == Word::Kind::kFunction && kRemoving.count(word.text) != 0;
  });
  // What another column says would be removed.
  for (size_t i = 1; removes && i < words.size(); ++i) {
    if (IsName(words[i]) && IsSign(words[i - 1], ",")) return false;
  }
  static const std::set<std::string> kFunctions = {"lower", "upper", "btrim",   "ltrim",
                                                   "rtrim", "md5",   "replace", "COALESCE"};
  return std::all_of(words.begin(), words.end(), [&](const Word& word) {
    if (word.kind == Word::Kind::kLiteral) return !HasLettersOrDigits(word.text);
    if (word.kind == Word::Kind::kSign) return word.text == "," || word.text == "||";
    if (word.kind == Word::Kind::kFunction) return kFunctions.count(word.text) != 0;
    // Other columns do no harm. Keywords are in capitals, and names that have capitals are in quotes.
    return word.kind == Word::Kind::kQuoted || (word.kind == Word::Kind::kName && !IsKeyword(word.text));
  });
}

std::vector<std::string> TextsOf(const std::vector<Word>& words) {
  std::vector<std::string> texts;
  for (const Word& word : words) texts.push_back(word.text);
  return texts;
}

bool IsIn(const std::string& expression, const std::string& column) {
  const std::vector<Word> words = TokensOf(expression);
  return std::any_of(words.begin(), words.end(), [&](const Word& word) { return IsName(word) && word.text == column; });
}

// True if the predicate only tests whether the column is NULL or NOT NULL. Sets `wants_null` if it tests for NULL.
bool IsAboutNull(const std::string& predicate, const std::string& column, bool* wants_null) {
  const std::vector<std::string> words = TextsOf(Simplify(predicate).words);
  *wants_null = false;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] != column) continue;
    const bool is = i + 2 < words.size() && words[i + 1] == "IS";
    const bool null = is && words[i + 2] == "NULL";
    if (!null && !(is && words[i + 2] == "NOT" && i + 3 < words.size() && words[i + 3] == "NULL")) return false;
    *wants_null |= null;
  }
  return true;
}

class Uses {
 public:
  Uses(const std::vector<GeneratedColumn>& generated, Lowering lowering, MaskFacts* facts)
      : lowering_(lowering), facts_(*facts) {
    for (const GeneratedColumn& one : generated) {
      generated_[{one.table, one.column}] = &one;
      if (MaskColumn* column = Find(one.table, one.column)) column->computed_from = one.columns;
    }
  }

  void Add(const UniqueKey& key) {
    for (const int number : key.columns) {
      MaskColumn* column = Find(key.table, number);
      if (column == nullptr || (key.kind != UniqueKey::Kind::kColumn && !IsIn(key.text, column->name))) continue;
      const UniqueUse use = Use(key, *column);
      Note(column, use);
      const auto made = generated_.find({key.table, number});
      if (made == generated_.end()) continue;
      // Generated columns are computed from columns that are not generated.
      for (const int from : made->second->columns) {
        MaskColumn* base = Find(key.table, from);
        if (base != nullptr) Note(base, Through(*made->second, *base, column->name, use));
      }
    }
  }

 private:
  MaskColumn* Find(uint32_t table, int number) {
    const auto found = facts_.tables.find(table);
    if (found == facts_.tables.end()) return nullptr;
    const auto column = found->second.columns.find(number);
    return column == found->second.columns.end() ? nullptr : &column->second;
  }

  UniqueUse Use(const UniqueKey& key, const MaskColumn& column) const {
    UniqueUse use{.nulls_equal = key.nulls_equal, .what = key.index};
    if (key.kind == UniqueKey::Kind::kPredicate) {
      bool wants_null = true;
      const bool about_null = IsAboutNull(key.text, column.name, &wants_null);
      use.by = about_null ? UniqueUse::By::kValue : UniqueUse::By::kUnknown;
      use.nulls_equal = wants_null || !about_null;
      use.what += fmt::format(" where {}", key.text);
      return use;
    }
    if (key.kind == UniqueKey::Kind::kExpression) {
      use.by = UseOf(key.text, column.name);
      use.nulls_equal |= key.text.find("COALESCE") != std::string::npos || use.by == UniqueUse::By::kUnknown;
      use.what += fmt::format(" on {}", key.text);
    } else if (column.type == "citext") {
      use.by = UniqueUse::By::kCase;
    }
    // "<>" demands that equal values stay equal.
    const bool known = key.operation == "=" || (key.operation == "<>" && column.equality_known);
    if (!known || key.own_equality) {
      use.by = UniqueUse::By::kUnknown;
      use.what += fmt::format(" with {}", key.operation);
    }
    if (!key.collation.empty()) use.by = ByCollation(key.collation, use.by);
    use.by = WithCase(column, use.by);
    const bool of_column = key.kind == UniqueKey::Kind::kColumn;
    use.exact = of_column ? column.type != "citext" && key.collation.empty() : KeepsCase(key.text, use.by);
    return use;
  }

  // True if texts that differ in case only may be different for this expression.
  static bool KeepsCase(const std::string& expression, UniqueUse::By by) {
    return by != UniqueUse::By::kCase && expression.find("lower(") == std::string::npos &&
           expression.find("upper(") == std::string::npos;
  }

  // The effect of lower() on a letter is known only in UTF-8, and not in every locale.
  UniqueUse::By WithCase(const MaskColumn& column, UniqueUse::By by) const {
    const bool known = lowering_ != Lowering::kUnknown && !HasOwnCase(column.locale);
    return by == UniqueUse::By::kCase && !known ? UniqueUse::By::kText : by;
  }

  static UniqueUse::By ByCollation(const std::string& locale, UniqueUse::By by) {
    const bool only_case = OnlyIgnoresCase(locale) && by == UniqueUse::By::kValue;
    return only_case ? UniqueUse::By::kCase : std::max(by, UniqueUse::By::kText);
  }

  // Converts a use of the generated column to one of a column that it is computed from.
  UniqueUse Through(const GeneratedColumn& generated, const MaskColumn& base, const std::string& name,
                    const UniqueUse& use) const {
    UniqueUse through = use;
    through.what = fmt::format("{} of {}, which is computed from it ({})", use.what, name, generated.text);
    const UniqueUse::By by = UseOf(generated.text, base.name);
    const bool both = by != UniqueUse::By::kValue && use.by != UniqueUse::By::kValue && by != use.by;
    through.by = both ? (std::max(by, use.by) <= UniqueUse::By::kText ? UniqueUse::By::kText : UniqueUse::By::kUnknown)
                      : std::max(by, use.by);
    through.by = WithCase(base, through.by);
    through.exact = use.by != UniqueUse::By::kCase && KeepsCase(generated.text, by);
    through.nulls_equal |=
        through.by == UniqueUse::By::kUnknown || generated.text.find("COALESCE") != std::string::npos;
    return through;
  }

  static void Note(MaskColumn* column, const UniqueUse& use) {
    column->unique = true;
    column->ignores_case |= use.by == UniqueUse::By::kCase;
    column->unique_uses.push_back(use);
  }

  const Lowering lowering_;
  MaskFacts& facts_;
  std::map<std::pair<uint32_t, int>, const GeneratedColumn*> generated_;
};

}  // namespace

bool HasOwnCase(const std::string& locale) {
  const size_t end = std::min(locale.find_first_of("-_.@"), locale.size());
  static const std::set<std::string> kLanguages = {"tr", "az", "lt", "tur", "aze", "lit", "turkish", "lithuanian"};
  return kLanguages.count(AsciiLower(locale.substr(0, end))) != 0;
}

// Other languages have letters that are two in another one, and other keys than ks take more for equal.
bool OnlyIgnoresCase(const std::string& locale) {
  static const std::regex kOnlyCase("(und|root|en|de|fr|it|es|pt|nl)?(-[A-Za-z]{2})?-u-ks-level2");
  return std::regex_match(locale, kOnlyCase);
}

UniqueUse::By UseOf(const std::string& expression, const std::string& column) {
  using By = UniqueUse::By;
  const Simplified simplified = Simplify(expression);
  std::vector<std::string> words = TextsOf(simplified.words);
  if (std::count(words.begin(), words.end(), column) != 1) return By::kUnknown;
  if (simplified.known_casts && simplified.to_day && words.size() == 1) return By::kDay;
  static const std::vector<std::string> kDays[] = {{"date_trunc", "day", ","}, {"date"}, {"timezone", "UTC", ","}};
  for (const auto& day : kDays) {
    if (words.size() != day.size() + 1 || !std::equal(day.begin(), day.end(), words.begin())) continue;
    return day[0] != "timezone" || simplified.to_day ? By::kDay : By::kUnknown;
  }
  if (!simplified.known_casts || simplified.to_day) return By::kUnknown;
  if (words.front() == "md5" && words.size() > 1) words.erase(words.begin());
  if (words.size() == 1) return By::kValue;
  if (words.size() == 2 && (words[0] == "lower" || words[0] == "upper")) {
    return simplified.own_collation ? By::kText : By::kCase;
  }
  return KeepsText(simplified.words) ? By::kText : By::kUnknown;
}

void AddUniqueUses(const std::vector<UniqueKey>& keys, const std::vector<GeneratedColumn>& generated, Lowering lowering,
                   MaskFacts* facts) {
  Uses uses(generated, lowering, facts);
  for (const UniqueKey& key : keys) uses.Add(key);
}

}  // namespace rotv::mask
