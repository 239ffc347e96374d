#include "sync/mask/json_mask.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "storage/error.h"
#include "sync/context/mask_rule_table.h"

namespace rotv::mask {
namespace {

using Json = nlohmann::json;
using InDocuments = MaskRuleRow::InDocuments;

constexpr std::string_view kAnyMember = "*";
constexpr std::string_view kAnyDepth = "**";
constexpr size_t kMostSteps = 63;  // The positions on a path are the bits of a number.
// The largest field of PostgreSQL. A rule may make a document larger, for example where it puts a name in the place of
// an empty text.
constexpr size_t kMostBytes = 0x3FFFFFFF;

// Splits "$.a[*]..b" into a, *, **, b.
std::vector<std::string> StepsOf(const std::string& pattern, const std::string& path) {
  auto fail = [&] {
    return Error(ErrorCode::kUsage, fmt::format("{}: \"{}\" is not a path", pattern, path),
                 "such as $.user.email, $.orders[*].phone or $..email");
  };
  if (!path.starts_with('$') || path.size() < 2) throw fail();
  std::vector<std::string> steps;
  std::string_view rest = std::string_view(path).substr(1);
  while (!rest.empty()) {
    if (rest.front() != '.' && rest.front() != '[') throw fail();
    if (rest.starts_with("..")) {
      steps.emplace_back(kAnyDepth);
      rest.remove_prefix(1);
    }
    const bool element = rest.front() == '[';
    rest.remove_prefix(1);
    const size_t end = element ? rest.find(']') : std::min(rest.find_first_of(".["), rest.size());
    if (end == std::string_view::npos || end == 0) throw fail();
    steps.emplace_back(rest.substr(0, end));
    rest.remove_prefix(element ? end + 1 : end);
  }
  if (steps.size() > kMostSteps) throw fail();
  return steps;
}

struct PathMask {
  std::vector<std::string> steps;
  InDocuments masks;
  std::unique_ptr<const Masker> texts;
  std::unique_ptr<const Masker> numbers, floats;  // Only for InDocuments::kNumbers.

  // The positions on the path that a value of the document can be at, one bit each: after bit i follows steps[i].
  uint64_t Start() const { return Closed(1); }
  uint64_t Follow(uint64_t places, std::string_view at) const {
    uint64_t next = places & End();  // Everything below the end of the path is masked, too.
    for (size_t i = 0; i < steps.size(); ++i) {
      if ((places >> i & 1) == 0) continue;
      if (steps[i] == kAnyDepth) next |= uint64_t{1} << i;
      if (steps[i] == kAnyMember || steps[i] == at) next |= uint64_t{2} << i;
    }
    return Closed(next);
  }
  uint64_t End() const { return uint64_t{1} << steps.size(); }
  // Adds the positions that are reached without a step, since ".." also matches no level at all.
  uint64_t Closed(uint64_t places) const {
    for (size_t i = 0; i < steps.size(); ++i) {
      if (steps[i] == kAnyDepth && (places >> i & 1) != 0) places |= uint64_t{2} << i;
    }
    return places;
  }
};

// Writes the document again, in jsonb's format, while it is read. All paths are followed at once as sets of positions,
// so each value is visited once, however deep it is nested; trying every path from the root at each value took time
// that grew with the nesting. Stops when the output is too large.
class Rewriter : public nlohmann::json_sax<Json> {
 public:
  Rewriter(const std::vector<PathMask>& masks, const KeyedHash& numbers, std::string* out)
      : masks_(masks), numbers_(numbers), out_(out) {
    for (const PathMask& mask : masks) places_.push_back(mask.Start());
  }

  bool null() override { return Plain("null"); }
  bool boolean(bool value) override { return Plain(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return Number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Number(std::to_string(value)); }
  bool number_float(number_float_t /*value*/, const string_t& text) override { return Number(text); }
  bool string(string_t& text) override {
    const PathMask* mask = Begin();
    if (mask == nullptr) {
      *out_ += Json(text).dump();
    } else {
      Text(*mask, text);
    }
    return Fits();
  }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return Open('{'); }
  bool key(string_t& name) override {
    Follow(name);
    if (levels_.back().members++ > 0) *out_ += ", ";
    *out_ += Json(name).dump() + ": ";
    return Fits();
  }
  bool end_object() override { return Close('}'); }
  bool start_array(std::size_t /*size*/) override {
    Open('[');
    levels_.back().array = true;
    return Fits();
  }
  bool end_array() override { return Close(']'); }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*why*/) override {
    return false;
  }

 private:
  struct Level {
    uint64_t members = 0;  // Members seen so far.
    bool array = false;
  };

  // Appends what comes before a value. Returns the mask for the value.
  const PathMask* Begin() {
    if (!levels_.empty() && levels_.back().array) {
      const uint64_t index = levels_.back().members++;
      Follow(std::to_string(index));
      if (index > 0) *out_ += ", ";
    }
    for (size_t i = 0; i < masks_.size(); ++i) {
      if ((places_[i] & masks_[i].End()) != 0) return &masks_[i];
    }
    return nullptr;
  }
  // Follows all paths from the innermost open value to its member `at`.
  void Follow(std::string_view at) {
    const uint64_t* const above = &above_[above_.size() - masks_.size()];
    for (size_t i = 0; i < masks_.size(); ++i) places_[i] = masks_[i].Follow(above[i], at);
  }
  bool Fits() const { return out_->size() <= kMostBytes; }
  bool Plain(const char* text) {
    Begin();
    *out_ += text;
    return Fits();
  }
  // A number stays a number, unless the rule dictates a value.
  bool Number(const std::string& text) {
    const PathMask* mask = Begin();
    if (mask == nullptr) {
      *out_ += text;
    } else if (mask->masks == InDocuments::kNumbers) {
      (text.find_first_of("eE") == std::string::npos ? mask->numbers : mask->floats)->Append(text, out_);
    } else if (mask->masks == InDocuments::kAll) {
      Text(*mask, text);
    } else {
      *out_ += std::to_string(numbers_(text) % 1'000'000'000);
    }
    return Fits();
  }
  void Text(const PathMask& mask, std::string_view text) {
    std::string masked;
    *out_ += mask.texts->Append(text, &masked) ? Json(masked).dump() : "null";
  }
  bool Open(char bracket) {
    Begin();
    out_->push_back(bracket);
    levels_.emplace_back();
    above_.insert(above_.end(), places_.begin(), places_.end());
    return Fits();
  }
  bool Close(char bracket) {
    out_->push_back(bracket);
    levels_.pop_back();
    above_.resize(above_.size() - masks_.size());
    return Fits();
  }

  const std::vector<PathMask>& masks_;
  const KeyedHash& numbers_;
  std::string* out_;
  std::vector<uint64_t> places_;  // The positions of the next value, on each path.
  std::vector<uint64_t> above_;   // The positions of the values that are open, from the root on.
  std::vector<Level> levels_;     // The levels of these values.
};

class JsonMasker : public Masker {
 public:
  JsonMasker(std::vector<PathMask> masks, const MaskSecret& secret)
      : masks_(std::move(masks)), numbers_(secret, "json number") {}

  bool Append(std::string_view value, std::string* out) const override {
    std::string document;
    Rewriter rewriter(masks_, numbers_, &document);
    *out += Json::sax_parse(value, &rewriter) ? document : "null";
    return true;
  }

 private:
  const std::vector<PathMask> masks_;
  const KeyedHash numbers_;
};

}  // namespace

std::unique_ptr<const Masker> MakeJsonMasker(const MaskRule& rule, const MaskSecret& secret,
                                             MaskerFactory make_masker) {
  std::vector<PathMask> masks;
  for (const auto& [path, inner] : rule.paths) {
    PathMask mask{.steps = StepsOf(rule.pattern, path),
                  .masks = RowOf(inner.kind).in_documents,
                  .texts = {},
                  .numbers = {},
                  .floats = {}};
    MaskRule of_texts = inner;
    if (mask.masks == InDocuments::kNumbers) {
      mask.numbers = make_masker(inner, {.name = path, .type = "numeric"}, secret);
      mask.floats = make_masker(inner, {.name = path, .type = "float8"}, secret);
      of_texts.kind = MaskKind::kText;
    }
    mask.texts = make_masker(of_texts, {.name = path, .type = "text"}, secret);
    masks.push_back(std::move(mask));
  }
  return std::make_unique<JsonMasker>(std::move(masks), secret);
}

}  // namespace rotv::mask
