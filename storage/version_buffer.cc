#include "storage/version_buffer.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "storage/error.h"
#include "storage/row_key.h"

// A pull may put millions of versions here. So keys and values lie encoded in large blocks, with no allocation for each
// version. Sorting happens once, when the buffer is written, on the first 16 bytes of each key as two numbers, since
// comparing the keys themselves would mean a cache miss for each comparison; of versions of one row and transaction
// only the last one is kept then.
//
// A pull also asks for the newest version of a row, to complete a partial row or to count equal rows of a multiset. For
// that a hash table with open addressing leads from a row to its newest version; older ones follow by a list. Most
// pulls never ask, and the table costs more than all else that is done with a version here, since each is a cache miss:
// so versions are added to it only when a question comes.
//
// A std::map ordered by key would need no sort, but an allocation and several cache misses for each version.

namespace rotv {
namespace {

constexpr size_t kBlockSize = size_t{1} << 20;

std::string_view PrefixOf(const VersionBuffer::Entry& entry) {
  return entry.key().substr(0, entry.key_size - kLsnSuffixSize);
}

}  // namespace

char* VersionBuffer::Allocate(size_t size) {
  bytes_ += size;
  if (size > kBlockSize / 4) {  // A large row gets its own block, so that little of the others is wasted.
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    return blocks_.back().get();
  }
  if (size > block_left_) {
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlockSize));
    block_next_ = blocks_.back().get();
    block_left_ = kBlockSize;
  }
  char* allocated = block_next_;
  block_next_ += size;
  block_left_ -= size;
  return allocated;
}

size_t VersionBuffer::SlotOf(std::string_view row_prefix) const {
  size_t mask = slots_.size() - 1;
  size_t at = XXH3_64bits(row_prefix.data(), row_prefix.size()) & mask;
  while (slots_[at] != 0 && PrefixOf(entries_[slots_[at] - 1]) != row_prefix) at = (at + 1) & mask;
  return at;
}

void VersionBuffer::Grow() const {
  std::vector<uint32_t> old(std::max<size_t>(1024, slots_.size() * 2));
  old.swap(slots_);
  for (uint32_t entry : old) {
    if (entry != 0) slots_[SlotOf(PrefixOf(entries_[entry - 1]))] = entry;
  }
}

void VersionBuffer::CompleteIndex() const {
  if (index_ == Index::kNone) throw Error(ErrorCode::kBug, "a buffer without an index was asked for a row");
  if (slots_.empty()) Grow();
  for (size_t at = previous_.size(); at != entries_.size(); ++at) {
    const size_t slot = SlotOf(PrefixOf(entries_[at]));
    const uint32_t before = slots_[slot];
    const bool replaces = before != 0 && entries_[before - 1].key() == entries_[at].key();
    previous_.push_back(replaces ? previous_[before - 1] : before);
    slots_[slot] = static_cast<uint32_t>(at + 1);
    if (before == 0 && ++slots_used_ * 2 > slots_.size()) Grow();
  }
}

void VersionBuffer::Put(const VersionKey& key, const RowVersion& version) {
  scratch_.clear();
  AppendBigEndian32(key.table, &scratch_);
  AppendBigEndian32(key.epoch, &scratch_);
  scratch_.append(key.row_key);
  AppendBigEndian64(~key.commit_lsn.value(), &scratch_);
  size_t key_size = scratch_.size();
  size_t text_size = version.kind == RowVersion::Kind::kTombstone ? 0 : version.text.size();
  RowVersion head = version;
  head.text = {};
  AppendRowVersion(head, &scratch_);

  Entry entry;
  char* data = Allocate(scratch_.size() + text_size);
  memcpy(data, scratch_.data(), scratch_.size());
  if (text_size != 0) memcpy(data + scratch_.size(), version.text.data(), text_size);
  entry.data = data;
  entry.key_size = static_cast<uint32_t>(key_size);
  entry.value_size = static_cast<uint32_t>(scratch_.size() - key_size + text_size);
  bytes_ += sizeof(Entry) + (index_ == Index::kNewest ? 12 : 0);
  entries_.push_back(entry);
}

void VersionBuffer::PutEncoded(std::string_view key, std::string_view value) {
  if (index_ != Index::kNone) throw Error(ErrorCode::kBug, "a buffer with an index was given an encoded version");
  char* data = Allocate(key.size() + value.size());
  memcpy(data, key.data(), key.size());
  if (!value.empty()) memcpy(data + key.size(), value.data(), value.size());
  Entry entry;
  entry.data = data;
  entry.key_size = static_cast<uint32_t>(key.size());
  entry.value_size = static_cast<uint32_t>(value.size());
  bytes_ += sizeof(Entry);
  entries_.push_back(entry);
}

std::optional<VersionBuffer::Found> VersionBuffer::Newest(std::string_view row_prefix) const {
  CompleteIndex();
  uint32_t entry = slots_[SlotOf(row_prefix)];
  if (entry == 0) return std::nullopt;
  const Entry& found = entries_[entry - 1];
  return Found{DecodeVersionKey(found.key()).commit_lsn, DecodeRowVersion(found.value())};
}

std::vector<VersionBuffer::Found> VersionBuffer::Versions(std::string_view row_prefix) const {
  CompleteIndex();
  std::vector<Found> versions;
  for (uint32_t entry = slots_[SlotOf(row_prefix)]; entry != 0; entry = previous_[entry - 1]) {
    const Entry& found = entries_[entry - 1];
    versions.push_back({DecodeVersionKey(found.key()).commit_lsn, DecodeRowVersion(found.value())});
  }
  return versions;
}

std::string_view VersionBuffer::GreatestKey() const {
  return std::max_element(entries_.begin(), entries_.end(),
                          [](const Entry& a, const Entry& b) { return a.key() < b.key(); })
      ->key();
}

std::optional<TableId> VersionBuffer::TableWithTwins(const std::vector<Entry>& sorted) {
  const auto twin = std::adjacent_find(sorted.begin(), sorted.end(),
                                       [](const Entry& one, const Entry& next) { return one.key() == next.key(); });
  if (twin == sorted.end()) return std::nullopt;
  return DecodeVersionKey(twin->key()).table;
}

std::vector<VersionBuffer::Entry> VersionBuffer::Sorted() const {
  // The rows of a table often arrive in the order of their keys: one check is cheaper than a sort.
  const auto not_before = [](const Entry& a, const Entry& b) { return a.key() >= b.key(); };
  if (std::adjacent_find(entries_.begin(), entries_.end(), not_before) == entries_.end()) return entries_;
  // The keys are scattered over memory, so most comparisons are decided by their first bytes, kept as numbers here.
  struct Place {
    uint64_t table_and_epoch, head;
    const Entry* entry;
  };
  std::vector<Place> places;
  places.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    // Even a key with an empty row key has 16 bytes, since its LSN follows.
    places.push_back({ReadBigEndian64(entry.data), ReadBigEndian64(entry.data + kTablePrefixSize), &entry});
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    if (a.table_and_epoch != b.table_and_epoch) return a.table_and_epoch < b.table_and_epoch;
    if (a.head != b.head) return a.head < b.head;
    const int order = a.entry->key().compare(b.entry->key());
    return order != 0 ? order < 0 : a.entry < b.entry;  // Equal keys stay in the order in which they came.
  });
  std::vector<Entry> sorted;
  sorted.reserve(places.size());
  const Place* last = nullptr;
  for (const Place& place : places) {
    const bool replaces = !keeps_twins() && last != nullptr && last->head == place.head &&
                          last->table_and_epoch == place.table_and_epoch && last->entry->key() == place.entry->key();
    if (replaces) sorted.pop_back();
    sorted.push_back(*place.entry);
    last = &place;
  }
  return sorted;
}

}  // namespace rotv
