#include "sync/compare/row_hash.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "sync/formats/copy_text.h"
#include "sync/formats/text_hash.h"

namespace rotv::compare {
namespace {

// Values are concatenated with this between them. concat_ws() is the cheapest way to get the text of several values:
// ROW(…)::text takes twice as long, and md5() of it four times.
constexpr char kSeparator = '\x1f';
constexpr const char* kSeparatorSql = "E'\\x1f'";
// A function may have a hundred arguments, so columns are hashed this many at a time, and each hash is the next one's
// seed.
constexpr size_t kColumnsAtOnce = 32;

std::string Listed(const std::vector<std::string>& columns, size_t begin, size_t end) {
  return fmt::format("{}", fmt::join(columns.begin() + static_cast<ptrdiff_t>(begin),
                                     columns.begin() + static_cast<ptrdiff_t>(end), ", "));
}

// concat_ws() skips NULL, so a bit for each column says where a NULL is. IS NULL would be true for a row of NULLs, too.
std::string NullsSql(const std::vector<std::string>& columns, size_t begin, size_t end) {
  std::string bits;
  for (size_t i = begin; i < end; ++i) {
    bits += fmt::format("{}(({} IS NOT DISTINCT FROM NULL)::int::bigint << {})", bits.empty() ? "" : " | ", columns[i],
                        i - begin);
  }
  return fmt::format("CASE num_nulls({}) WHEN 0 THEN 0 ELSE {} END", Listed(columns, begin, end), bits);
}

void AppendValue(std::string_view field, std::string* text) {
  const size_t before = text->size();
  try {
    formats::AppendCopyUnescaped(field, text);
  } catch (const Error&) {
    text->resize(before);
    text->append(field);  // It is no value of the source's, so it differs from every one.
  }
}

}  // namespace

std::string RowHashSql(const std::vector<std::string>& columns) {
  std::string hash;
  for (size_t begin = 0; begin < columns.size(); begin += kColumnsAtOnce) {
    size_t end = std::min(columns.size(), begin + kColumnsAtOnce);
    std::string nulls = NullsSql(columns, begin, end);
    std::string seed = hash.empty() ? nulls : fmt::format("{} # ({})", hash, nulls);
    hash = fmt::format("hashtextextended(concat_ws({}, {}) COLLATE \"C\", {})", kSeparatorSql,
                       Listed(columns, begin, end), seed);
  }
  return hash.empty() ? "hashtextextended('' COLLATE \"C\", 0)" : hash;
}

RowHasher::RowHasher(size_t column_count, std::vector<size_t> chosen)
    : column_count_(chosen.size()),
      whole_columns_(chosen.size() < column_count ? column_count : 0),
      chosen_(std::move(chosen)) {}

uint64_t RowHasher::Hash(std::string_view line) {
  if (whole_columns_ == 0) return HashOfLine(line);
  formats::SplitCopyLine(line, whole_columns_, &fields_);
  line_.clear();
  for (size_t i = 0; i < chosen_.size(); ++i) {
    if (i > 0) line_.push_back('\t');
    line_.append(fields_[chosen_[i]]);
  }
  return HashOfLine(line_);
}

uint64_t RowHasher::HashOfLine(std::string_view line) {
  bool plain = column_count_ <= kColumnsAtOnce && line.find('\\') == std::string_view::npos;
  static_assert(kSeparator == '\x1f');
  return plain ? formats::HashTextBetweenTabs(line) : HashOfFields(line);
}

uint64_t RowHasher::HashOfFields(std::string_view line) {
  uint64_t hash = 0;
  for (size_t column = 0; column < column_count_;) {
    text_.clear();
    uint64_t nulls = 0;
    bool first = true;
    size_t end = std::min(column_count_, column + kColumnsAtOnce);
    for (size_t bit = 0; column < end; ++column, ++bit) {
      // The last column takes the rest of the line, even if that is too much.
      size_t tab = column + 1 == column_count_ ? std::string_view::npos : line.find('\t');
      std::string_view field = line.substr(0, tab);
      line = tab == std::string_view::npos ? std::string_view() : line.substr(tab + 1);
      if (field == formats::kCopyNull) {
        nulls |= uint64_t{1} << bit;
        continue;
      }
      if (!first) text_.push_back(kSeparator);
      first = false;
      AppendValue(field, &text_);
    }
    hash = formats::HashText(text_, hash ^ nulls);
  }
  return hash;
}

}  // namespace rotv::compare
