#include "sync/seed/seed_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sync/formats/copy_text.h"
#include "sync/seed/seed_lines.h"

namespace rotv::seed {
namespace {

// Splits `(id, "odd, name", b)` into names.
std::vector<std::string> NamesIn(std::string_view list) {
  std::vector<std::string> names(1);
  bool quoted = false;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i] == '"') {
      if (quoted && list.substr(i + 1, 1) == "\"") {
        names.back() += list[++i];
      } else {
        quoted = !quoted;
      }
    } else if (list[i] == ',' && !quoted) {
      names.emplace_back();
      ++i;  // Skips the blank.
    } else {
      names.back() += list[i];
    }
  }
  return names;
}

class SeedSearch {
 public:
  explicit SeedSearch(const SeedSearchRequest& request) : request_(request) {}

  void Line(std::string_view line) {
    if (in_rows_ && line == "\\.") {
      in_rows_ = false;
      return;
    }
    if (!in_rows_ && line.starts_with("COPY ") && line.ends_with(" FROM stdin;")) return BeginRows(line);
    owners_.clear();
    const bool is_row =
        in_rows_ && has_masked_ && std::count(line.begin(), line.end(), '\t') + 1 == std::ssize(columns_);
    if (is_row) {
      formats::SplitCopyLine(line, columns_.size(), &fields_);
      for (size_t i = 0; i < columns_.size(); ++i) Find(fields_[i], columns_[i].masked);
      CompareWithItsRow();
    } else {
      Find(line, Masked::kNo);
    }
    for (size_t owner : owners_) ++found[owner];
  }

  std::map<size_t, uint64_t> found;

 private:
  enum class Masked { kNo, kYes };
  struct Column {
    std::string name;
    Masked masked = Masked::kNo;
  };

  void BeginRows(std::string_view line) {
    in_rows_ = true;
    has_masked_ = false;
    for (const proto::Table& table : request_.schema.tables()) {
      std::string begin = fmt::format("COPY {} (", table.quoted_name());
      if (!line.starts_with(begin)) continue;
      std::string_view list = line.substr(begin.size());
      columns_.clear();
      for (std::string& name : NamesIn(list.substr(0, list.rfind(") FROM stdin;")))) {
        const auto& all = table.mask().columns();
        bool masked = std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.name() == name; });
        has_masked_ |= masked;
        columns_.push_back({std::move(name), masked ? Masked::kYes : Masked::kNo});
      }
      auto sample = request_.rows.find(table.quoted_name());
      sample_ = sample == request_.rows.end() ? nullptr : &sample->second;
      key_.clear();
      if (sample_ == nullptr) continue;
      for (const std::string& column : sample_->key) key_.push_back(PlaceOf(column));
      // The seed is older than the key.
      if (std::count(key_.begin(), key_.end(), columns_.size()) > 0) sample_ = nullptr;
    }
  }

  void Find(std::string_view text, Masked masked) {
    request_.finder.Find(text, [&](size_t owner) {
      if (masked == Masked::kNo || request_.unlike[owner]) owners_.insert(owner);
    });
  }

  // Returns the column's index; the number of columns if there is none of this name.
  size_t PlaceOf(const std::string& name) const {
    auto place = std::find_if(columns_.begin(), columns_.end(), [&](const Column& one) { return one.name == name; });
    return static_cast<size_t>(place - columns_.begin());
  }

  void CompareWithItsRow() {
    if (sample_ == nullptr) return;
    std::string key;
    for (size_t place : key_) key.append(fields_[place]).push_back('\t');
    auto row = sample_->rows.find(key);
    if (row == sample_->rows.end()) return;
    for (const SampledRows::Value& value : row->second) {
      const size_t place = PlaceOf(value.column);
      if (place < fields_.size() && fields_[place] == value.text) owners_.insert(value.owner);
    }
  }

  const SeedSearchRequest& request_;
  bool in_rows_ = false;
  // The columns of the table whose rows are being read.
  std::vector<Column> columns_;
  bool has_masked_ = false;
  const SampledRows* sample_ = nullptr;
  std::vector<size_t> key_;  // Indexes of the key's columns.

  std::vector<std::string_view> fields_;
  std::set<size_t> owners_;  // Each owner counts once for each line.
};

bool IsSeedName(const std::string& name) {
  return name.starts_with("seed-data") &&
         (name.ends_with(".sql") || name.ends_with(".sql.zst") || name.ends_with(".sql.gz"));
}

}  // namespace

std::vector<std::filesystem::path> SeedsOf(const std::filesystem::path& home, const std::string& source,
                                           bool source_is_default) {
  std::vector<std::filesystem::path> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(home)) {
    const std::string name = entry.path().filename();
    if (!entry.is_regular_file() || !IsSeedName(name)) continue;
    const size_t at = name.find('@');
    bool ours = at == std::string::npos ? source_is_default : name.substr(at + 1).starts_with(source + ".sql");
    if (ours) seeds.push_back(entry.path());
  }
  std::sort(seeds.begin(), seeds.end());
  return seeds;
}

std::map<size_t, uint64_t> SearchSeed(const std::filesystem::path& seed, const SeedSearchRequest& request) {
  constexpr uint64_t kLinesBetweenLooks = 4096;
  SeedSearch search(request);
  uint64_t lines = 0;
  ForEachSeedLine(seed, [&](std::string_view line) {
    if (++lines % kLinesBetweenLooks == 0) request.interrupt.Check();
    search.Line(line);
  });
  return search.found;
}

}  // namespace rotv::seed
