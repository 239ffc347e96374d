#include "sync/mask/json_mask.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "storage/error.h"

namespace rotv {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kAny = "*";
constexpr std::string_view kAnyDepth = "**";

// "$.a[*]..b" to a, *, **, b.
std::vector<std::string> StepsOf(const std::string& pattern, const std::string& path) {
  auto fail = [&] {
    return Error(ErrorCode::kUsage, fmt::format("{}: \"{}\" is not a path", pattern, path),
                 "such as $.user.email, $.orders[*].phone or $..email");
  };
  if (!path.starts_with('$') || path.size() < 2) throw fail();
  std::vector<std::string> steps;
  std::string_view rest = std::string_view(path).substr(1);
  while (!rest.empty()) {
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
    if (!rest.empty() && rest.front() != '.' && rest.front() != '[') throw fail();
  }
  return steps;
}

// Whether `at`, or something above it, is where the steps lead.
bool Leads(const std::vector<std::string>& steps, size_t step, const std::vector<std::string>& at, size_t depth) {
  if (step == steps.size()) return true;
  if (depth == at.size()) return false;
  if (steps[step] == kAnyDepth) {
    return Leads(steps, step + 1, at, depth) || Leads(steps, step, at, depth + 1);
  }
  return (steps[step] == kAny || steps[step] == at[depth]) && Leads(steps, step + 1, at, depth + 1);
}

struct PathMask {
  std::vector<std::string> steps;
  MaskKind kind;
  std::unique_ptr<const Masker> texts;
  std::unique_ptr<const Masker> numbers, floats;  // Of kNumber.
};

// Writes the document again while it is read, as jsonb writes it.
class Rewriter : public nlohmann::json_sax<Json> {
 public:
  Rewriter(const std::vector<PathMask>& masks, const KeyedHash& numbers, std::string* out)
      : masks_(masks), numbers_(numbers), out_(out) {}

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
    return true;
  }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return Open('{'); }
  bool key(string_t& name) override {
    at_.back() = name;
    if (counts_.back()++ > 0) *out_ += ", ";
    *out_ += Json(name).dump() + ": ";
    return true;
  }
  bool end_object() override { return Close('}'); }
  bool start_array(std::size_t /*size*/) override {
    Open('[');
    arrays_.back() = true;
    return true;
  }
  bool end_array() override { return Close(']'); }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*why*/) override {
    return false;
  }

 private:
  // What stands in front of a value; the mask for it.
  const PathMask* Begin() {
    if (!arrays_.empty() && arrays_.back()) {
      at_.back() = std::to_string(counts_.back());
      if (counts_.back()++ > 0) *out_ += ", ";
    }
    for (const PathMask& mask : masks_) {
      if (Leads(mask.steps, 0, at_, 0)) return &mask;
    }
    return nullptr;
  }
  bool Plain(const char* text) {
    Begin();
    *out_ += text;
    return true;
  }
  // A number stays one, unless the rule says what stands there.
  bool Number(const std::string& text) {
    const PathMask* mask = Begin();
    if (mask == nullptr) {
      *out_ += text;
    } else if (mask->kind == MaskKind::kNumber) {
      (text.find_first_of("eE") == std::string::npos ? mask->numbers : mask->floats)->Append(text, out_);
    } else if (mask->kind == MaskKind::kNull || mask->kind == MaskKind::kConstant ||
               mask->kind == MaskKind::kPassword) {
      Text(*mask, text);
    } else {
      *out_ += std::to_string(numbers_(text) % 1'000'000'000);
    }
    return true;
  }
  void Text(const PathMask& mask, std::string_view text) {
    std::string masked;
    *out_ += mask.texts->Append(text, &masked) ? Json(masked).dump() : "null";
  }
  bool Open(char bracket) {
    Begin();
    out_->push_back(bracket);
    at_.emplace_back();
    counts_.push_back(0);
    arrays_.push_back(false);
    return true;
  }
  bool Close(char bracket) {
    out_->push_back(bracket);
    at_.pop_back();
    counts_.pop_back();
    arrays_.pop_back();
    return true;
  }

  const std::vector<PathMask>& masks_;
  const KeyedHash& numbers_;
  std::string* out_;
  std::vector<std::string> at_;  // The keys and indexes from the root to here.
  std::vector<size_t> counts_;   // Of the members so far, at each level.
  std::vector<bool> arrays_;     // Which levels are arrays.
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

std::unique_ptr<const Masker> MakeJsonMasker(const MaskRule& rule, const MaskSecret& secret) {
  std::vector<PathMask> masks;
  for (const auto& [path, inner] : rule.paths) {
    PathMask mask{.steps = StepsOf(rule.pattern, path), .kind = inner.kind, .texts = {}, .numbers = {}, .floats = {}};
    MaskRule of_texts = inner;
    if (inner.kind == MaskKind::kNumber) {
      mask.numbers = MakeMasker(inner, {.name = path, .type = "numeric"}, secret);
      mask.floats = MakeMasker(inner, {.name = path, .type = "float8"}, secret);
      of_texts.kind = MaskKind::kText;
    }
    mask.texts = MakeMasker(of_texts, {.name = path, .type = "text"}, secret);
    masks.push_back(std::move(mask));
  }
  return std::make_unique<JsonMasker>(std::move(masks), secret);
}

}  // namespace rotv
