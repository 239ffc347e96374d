#include "storage/version_iterator.h"

#include "storage/rocksdb_slice.h"

// Pages of an epoch do not overlap, so one of them is open at a time, and a walk merges two sequences. Most pages have
// no single version between their rows; that is found out once for each page, by its key, so that its rows are walked
// over without a look at their keys.
//
// A repair may write a row anew with the commit LSN that the row in the page has: the single version counts.

namespace rotv {

rocksdb::Status VersionIterator::status() const {
  return parts_.singles->status().ok() ? parts_.pages->status() : parts_.singles->status();
}

void VersionIterator::SeekToFirst() {
  pages_wait_ = taken_ = in_bounds_ = false;
  parts_.singles->SeekToFirst();
  SeekPages(parts_.begin);
  Choose();
}

void VersionIterator::Seek(std::string_view key) {
  parts_.singles->Seek({key.data(), key.size()});
  taken_ = replaces_ = false;
  pages_wait_ = true;
  awaited_ = key;
  // A whole row needs no older version. Pages have none that is newer.
  if (parts_.singles->Valid()) {
    const std::string_view found = View(parts_.singles->key());
    const bool same_row = found.size() == key.size() &&
                          found.substr(0, found.size() - kLsnSuffixSize) == key.substr(0, key.size() - kLsnSuffixSize);
    at_ = At::kSingle;
    if (same_row && version().kind != RowVersion::Kind::kPartial) return;
  }
  pages_wait_ = false;
  SeekPages(key);
  Choose();
}

void VersionIterator::Next() {
  if (pages_wait_) {
    pages_wait_ = false;
    SeekPages(awaited_);
    replaces_ = in_bounds_ && page_.key() == View(parts_.singles->key());
  }
  if (at_ == At::kSingle) {
    if (replaces_) {
      page_.Next();
      EnterRow();
    }
    parts_.singles->Next();
  } else {
    if (!taken_) page_.Next();
    taken_ = false;
    EnterRow();
    if (in_bounds_ && page_is_first_) return;
  }
  Choose();
}

void VersionIterator::SeekPages(std::string_view key) {
  const bool is_open = in_bounds_ && !page_.AtEnd() && View(parts_.pages->key()) >= key && page_.key() <= key;
  if (!is_open) {
    if (key.empty()) {
      parts_.pages->SeekToFirst();
    } else {
      parts_.pages->Seek({key.data(), key.size()});
    }
    OpenPage();
  }
  if (!in_bounds_ || key.empty()) return;
  page_.SeekForward(key);
  EnterRow();  // The last row of a page may be gone.
}

void VersionIterator::OpenPage() {
  page_is_first_ = false;
  in_bounds_ = parts_.pages->Valid();
  if (!in_bounds_) return;
  page_.Open(View(parts_.pages->key()), View(parts_.pages->value()));
  page_may_pass_end_ = !parts_.end.empty() && View(parts_.pages->key()) >= parts_.end;
  EnterRow();
}

void VersionIterator::EnterRow() {
  if (!page_.AtEnd()) {
    if (page_may_pass_end_ && page_.key() >= parts_.end) in_bounds_ = false;
  } else if (page_may_pass_end_) {
    in_bounds_ = false;  // What begins at or after the end is in no later page either.
  } else {
    parts_.pages->Next();
    OpenPage();
  }
}

void VersionIterator::Choose() {
  const bool has_single = parts_.singles->Valid();
  replaces_ = false;
  if (!in_bounds_) {
    at_ = has_single ? At::kSingle : At::kEnd;
    return;
  }
  const std::string_view single = has_single ? View(parts_.singles->key()) : std::string_view();
  page_is_first_ = !has_single || View(parts_.pages->key()) < single;
  const int order = page_is_first_ ? -1 : page_.key().compare(single);
  at_ = order < 0 ? At::kPage : At::kSingle;
  replaces_ = order == 0;
}

Lsn VersionIterator::commit_lsn() {
  return at_ == At::kPage ? page_.commit_lsn() : DecodeVersionKey(View(parts_.singles->key())).commit_lsn;
}

std::string_view VersionIterator::key() { return at_ == At::kPage ? page_.key() : View(parts_.singles->key()); }

std::string_view VersionIterator::row() {
  const std::string_view whole = key();
  return whole.substr(0, whole.size() - kLsnSuffixSize);
}

RowVersion VersionIterator::version() const {
  return at_ == At::kPage ? page_.version() : DecodeRowVersion(View(parts_.singles->value()));
}

std::string_view VersionIterator::page_key() const { return View(parts_.pages->key()); }
std::string_view VersionIterator::page_value() const { return View(parts_.pages->value()); }

VersionIterator::Run VersionIterator::TakeRun() {
  const std::string_view all = page_.lines();
  const uint32_t rows = page_.rows();
  taken_ = true;
  if (page_is_first_ && !page_may_pass_end_) {
    page_.SkipAll();
    return {.lines = all, .rows = rows, .shape = page_.shape()};
  }
  const std::string_view single = parts_.singles->Valid() ? View(parts_.singles->key()) : std::string_view();
  const auto is_in_run = [&] {
    if (page_.AtEnd() || (page_may_pass_end_ && page_.key() >= parts_.end)) return false;
    return single.empty() || page_.key() < single;
  };
  do page_.Next();
  while (is_in_run());
  return {
      .lines = all.substr(0, all.size() - page_.lines().size()), .rows = rows - page_.rows(), .shape = page_.shape()};
}

}  // namespace rotv
