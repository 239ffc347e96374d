#include "storage/row_page.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "storage/corrupt.h"
#include "storage/row_key.h"
#include "storage/varint.h"

// Lines come last and have their newlines, so that a scan that wants all rows of a page takes them as one piece of
// text. Keys come before them, each as what it shares with the one before and the rest; where all of them are the
// values of columns, which columns is all that is stored.

namespace rotv {
namespace {

// A look-up decompresses a block, and reads one page in it; a scan has a cost per page. With pages of half a block both
// are small, and neighbours compress together.
constexpr size_t kPageBytes = size_t{16} << 10;
// A row that is larger gains nothing from a page, and would be copied once more.
constexpr size_t kLargeRowBytes = size_t{16} << 10;

constexpr char kForm = 1;

uint32_t TakeNumber(std::string_view* bytes) {
  const std::optional<uint64_t> number = TakeVarint(bytes);
  if (!number || *number > UINT32_MAX) ThrowCorrupt("a page with a broken number");
  return static_cast<uint32_t>(*number);
}

size_t SharedBytes(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

uint32_t TakeHead(std::string_view* value) {
  if (value->empty() || value->front() != kForm) ThrowCorrupt("a page of an unknown form");
  value->remove_prefix(1);
  const uint32_t rows = TakeNumber(value);
  if (rows == 0) ThrowCorrupt("a page without rows");
  return rows;
}

}  // namespace

uint32_t RowsInPage(std::string_view value) { return TakeHead(&value); }

bool PageBuffer::Fits(std::string_view prefix, std::string_view suffix, uint32_t shape) const {
  return open_.prefix == prefix && open_.suffix == suffix && open_.shape == shape &&
         open_.keys.size() + open_.lines.size() < kPageBytes;
}

void PageBuffer::Add(std::string_view key, std::string_view value) {
  const RowVersion version = DecodeRowVersion(value);
  const std::string_view text = version.text;
  if (version.kind != RowVersion::Kind::kRow || version.count != 1 || text.size() > kLargeRowBytes ||
      text.find('\n') != std::string_view::npos) {
    return AddSingle(key, value);
  }
  const std::string_view prefix = key.substr(0, kTablePrefixSize);
  const std::string_view suffix = key.substr(key.size() - kLsnSuffixSize);
  const std::string_view row_key = key.substr(prefix.size(), key.size() - prefix.size() - suffix.size());
  if (open_.rows == 0 || !Fits(prefix, suffix, version.shape)) {
    const bool same_table = open_.prefix == prefix;
    EndPage();
    open_.prefix = prefix;
    open_.suffix = suffix;
    open_.shape = version.shape;
    if (!same_table || open_.from_lines.none()) open_.from_lines = PageKeys::Guess(row_key, text);
    open_.derivable = !open_.from_lines.none();
  }
  const size_t shared = open_.rows == 0 ? 0 : SharedBytes(open_.last, row_key);
  AppendVarint(shared, &open_.keys);
  AppendVarint(row_key.size() - shared, &open_.keys);
  open_.keys.append(row_key.substr(shared));
  if (open_.derivable) {
    scratch_.clear();
    open_.derivable = open_.from_lines.Append(text, &scratch_) && scratch_ == row_key;
  }
  open_.last = row_key;
  open_.lines.append(text);
  open_.lines.push_back('\n');
  ++open_.rows;
}

void PageBuffer::AddView(const VersionBuffer::Entry& entry) {
  if (entry.value_size <= kLargeRowBytes) return Add(entry.key(), entry.value());
  views_.push_back(entry);
  bytes_ += entry.key_size + entry.value_size;
}

void PageBuffer::Put(const VersionKey& key, const RowVersion& version, Place place) {
  if (place == Place::kSingle || version.text.size() > kLargeRowBytes) return singles_.Put(key, version);
  encoded_.clear();
  AppendRowVersion(version, &encoded_);
  Add(EncodeVersionKey(key), encoded_);
}

std::vector<VersionBuffer::Entry> PageBuffer::Singles() const {
  std::vector<VersionBuffer::Entry> all = singles_.Sorted();
  if (views_.empty()) return all;
  all.insert(all.end(), views_.begin(), views_.end());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.key() < b.key(); });
  return all;
}

void PageBuffer::EndPage() {
  if (open_.rows == 0) return;
  Page page{.key = open_.prefix + open_.last + open_.suffix, .value = {}};
  if (!open_.derivable) open_.from_lines = {};
  std::string& value = page.value;
  value.reserve(32 + (open_.derivable ? 0 : open_.keys.size()) + open_.lines.size());
  value.push_back(kForm);
  AppendVarint(open_.rows, &value);
  AppendVarint(open_.shape, &value);
  open_.from_lines.Encode(&value);
  if (!open_.derivable) {
    AppendVarint(open_.keys.size(), &value);
    value.append(open_.keys);
  }
  value.append(open_.lines);
  bytes_ += page.key.size() + value.size() + sizeof(Page);
  pages_.push_back(std::move(page));
  open_.rows = 0;
  open_.keys.clear();
  open_.lines.clear();
}

void PageReader::Open(std::string_view key, std::string_view value) {
  commit_lsn_ = DecodeVersionKey(key).commit_lsn;
  page_key_ = key;
  left_ = TakeHead(&value);
  index_ = 0;
  shape_ = TakeNumber(&value);
  from_lines_ = PageKeys::Take(&value);
  keys_ = {};
  if (from_lines_.none()) {
    const size_t size = TakeNumber(&value);
    if (size > value.size()) ThrowCorrupt("a page that is too short");
    keys_ = value.substr(0, size);
    value.remove_prefix(size);
  }
  rest_ = value;
  if (!rest_.ends_with('\n')) ThrowCorrupt("a page that is cut off");
  row_key_.clear();
  keys_behind_ = from_lines_.none() ? 1 : 0;
  key_is_known_ = false;
  FindLine();
}

void PageReader::FindLine() {
  line_bytes_ = rest_.find('\n');
  if (line_bytes_ == std::string_view::npos) ThrowCorrupt("a page with fewer rows than it should have");
}

void PageReader::Next() {
  rest_.remove_prefix(line_bytes_ + 1);
  --left_;
  ++index_;
  key_is_known_ = false;
  if (left_ == 0) {
    if (!rest_.empty()) ThrowCorrupt("a page with more rows than it should have");
    return;
  }
  if (from_lines_.none()) ++keys_behind_;
  FindLine();
}

void PageReader::SkipAll() {
  rest_.remove_prefix(rest_.size());
  left_ = 0;
  key_is_known_ = false;
}

void PageReader::DecodeStoredKey() {
  const size_t shared = TakeNumber(&keys_);
  const size_t size = TakeNumber(&keys_);
  if (shared > row_key_.size() || size > keys_.size()) ThrowCorrupt("a page with a broken key");
  row_key_.resize(shared);
  row_key_.append(keys_.substr(0, size));
  keys_.remove_prefix(size);
}

std::string_view PageReader::key() {
  if (key_is_known_) return key_;
  if (from_lines_.none()) {
    for (; keys_behind_ > 0; --keys_behind_) DecodeStoredKey();
  } else {
    row_key_.clear();
    if (!from_lines_.Append(line(), &row_key_)) ThrowCorrupt("a page with a row without its key");
  }
  key_.assign(page_key_.substr(0, kTablePrefixSize));
  key_.append(row_key_);
  key_.append(page_key_.substr(page_key_.size() - kLsnSuffixSize));
  if (key_ > page_key_) ThrowCorrupt("a page with a row that is not below its key");
  key_is_known_ = true;
  return key_;
}

void PageReader::SeekForward(std::string_view key) {
  while (!AtEnd() && this->key() < key) Next();
}

}  // namespace rotv
