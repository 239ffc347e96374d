// VersionIterator walks over all versions of rows in the order of their keys: single ones, and those in pages.

#pragma once

#include <rocksdb/iterator.h>

#include <memory>
#include <string>
#include <string_view>

#include "storage/row_page.h"
#include "storage/row_version.h"

namespace rotv {

// One thread may use it. Functions throw kCorrupt where a page is none; errors of RocksDB are in status().
class VersionIterator {
 public:
  struct Parts {
    std::unique_ptr<rocksdb::Iterator> singles;  // Bounded to [begin, end).
    std::unique_ptr<rocksdb::Iterator> pages;    // Not bounded by `end`: a page may begin before it, and end after it.
    std::string begin = {};                      // Row prefixes; empty: all.
    std::string end = {};
    std::shared_ptr<const void> bounds = {};  // Owns what the iterators refer to.
  };
  explicit VersionIterator(Parts parts) : parts_(std::move(parts)) {}

  void SeekToFirst();
  // Goes to the first version at or after a version key.
  void Seek(std::string_view key);
  void Next();  // Only at a version.

  bool Valid() const { return at_ != At::kEnd; }
  rocksdb::Status status() const;
  // --- Of the present version; they are valid until the next move.
  bool in_page() const { return at_ == At::kPage; }
  Lsn commit_lsn();
  std::string_view key();  // Costs more in a page than anything else here.
  std::string_view row();  // The key without its LSN.
  RowVersion version() const;
  // True if the present single version has the place of a row in a page: the row of the same key, which is passed over.
  bool replaces_in_page() const { return replaces_; }
  // The page that the present version, or the row that it replaces, is in, as it is stored; and which of its rows it
  // is.
  std::string_view page_key() const;
  std::string_view page_value() const;
  uint32_t row_of_page() const { return page_.index(); }

  // --- Only at a version in a page. Several that follow one another in the page, and no single one between them.
  struct Run {
    std::string_view lines;  // Each with its newline.
    uint32_t rows = 0;
    uint32_t shape = 0;
  };
  // Gives the present one and those after it. After this only Next() may be called, which goes to the version after
  // them, or Seek().
  Run TakeRun();

 private:
  enum class At { kEnd, kSingle, kPage };

  void SeekPages(std::string_view key);
  void OpenPage();
  // The page was moved in: goes on to the next page from its end, and notes whether the row is within the bounds.
  void EnterRow();
  // Goes to the lesser of both versions.
  void Choose();

  Parts parts_;
  PageReader page_;
  bool in_bounds_ = false;  // There is a present row of a page, and it is within the bounds.
  bool page_may_pass_end_ = false;
  bool page_is_first_ = false;  // The present page ends before the present single version.
  bool replaces_ = false;       // The row of the page has the key of the present single version.
  bool taken_ = false;          // By TakeRun(): the page is at the row after it already.
  bool pages_wait_ = false;     // The pages were not sought yet: awaited_ says where.
  std::string awaited_;
  At at_ = At::kEnd;
};

}  // namespace rotv
