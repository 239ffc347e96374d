// A page is many rows of a copy in one entry of the store: a scan, a copy and a merge cost per page then, and not per
// row. FORMAT.md describes the bytes. Pure.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/lsn.h"
#include "storage/page_keys.h"
#include "storage/row_version.h"
#include "storage/version_buffer.h"

namespace rotv {

struct Page {
  std::string key;  // A version key: that of its last row, or of one that is gone and was the last one.
  std::string value;
};

// PageBuffer makes pages of rows that come in the order of their keys. One thread may use it.
class PageBuffer {
 public:
  PageBuffer() : singles_(VersionBuffer::Index::kNone) {}

  // Adds a version, encoded as in VersionBuffer::Entry. What fits in no page is kept apart: a large row, and what is
  // not one whole row.
  void Add(std::string_view key, std::string_view value);
  // The same for one that stays valid and unchanged as long as this buffer: a large row is not copied.
  void AddView(const VersionBuffer::Entry& entry);
  // Adds one that is to be in no page; these come in any order.
  void AddSingle(std::string_view key, std::string_view value) { singles_.PutEncoded(key, value); }
  // The same for a version that is not encoded.
  enum class Place { kPage, kSingle };
  void Put(const VersionKey& key, const RowVersion& version, Place place);
  // Ends the present page: the next row begins another one.
  void EndPage();

  // Complete after EndPage().
  const std::vector<Page>& pages() const { return pages_; }
  // Those that are in no page, in the order of their keys. They point into this buffer.
  std::vector<VersionBuffer::Entry> Singles() const;
  size_t bytes() const { return bytes_ + singles_.bytes(); }  // The approximate memory use, with what views refer to.

 private:
  struct Open {
    uint32_t rows = 0;
    uint32_t shape = 0;
    std::string keys;    // As they are stored, if they have to be.
    std::string lines;   // Each with its newline.
    std::string last;    // The row key that was added last.
    std::string prefix;  // Table and epoch.
    std::string suffix;  // The inverted LSN.
    PageKeys from_lines;
    bool derivable = false;
  };
  bool Fits(std::string_view prefix, std::string_view suffix, uint32_t shape) const;

  std::vector<Page> pages_;
  size_t bytes_ = 0;
  Open open_;
  VersionBuffer singles_;
  std::vector<VersionBuffer::Entry> views_;
  std::string scratch_, encoded_;  // Members to save allocations.
};

// PageReader reads the rows of one page, in the order of their keys. One thread may use it.
class PageReader {
 public:
  // Begins at the first row of a page; `key` and `value` stay valid and unchanged until the next call. Throws kCorrupt
  // if that is no page; so do the other functions.
  void Open(std::string_view key, std::string_view value);

  bool AtEnd() const { return left_ == 0; }
  void Next();
  void SkipAll();
  // Goes on to the first row whose version key is at or after `key`, or to the end.
  void SeekForward(std::string_view key);

  Lsn commit_lsn() const { return commit_lsn_; }
  uint32_t shape() const { return shape_; }
  uint32_t index() const { return index_; }  // Of the present row, from 0.
  // --- Of the present row.
  std::string_view line() const { return rest_.substr(0, line_bytes_); }
  RowVersion version() const { return {.kind = RowVersion::Kind::kRow, .shape = shape_, .count = 1, .text = line()}; }
  // Table, epoch, row key and inverted LSN; valid until Next().
  std::string_view key();
  // --- Of it and those that follow.
  std::string_view lines() const { return rest_; }  // Each with its newline.
  uint32_t rows() const { return left_; }

 private:
  void FindLine();
  void DecodeStoredKey();

  std::string_view page_key_;
  std::string_view rest_;
  std::string_view keys_;
  size_t line_bytes_ = 0;
  uint32_t left_ = 0;
  uint32_t index_ = 0;
  uint32_t shape_ = 0;
  Lsn commit_lsn_;
  PageKeys from_lines_;
  uint32_t keys_behind_ = 0;  // How many stored keys were not decoded yet, with that of the present row.
  bool key_is_known_ = false;
  std::string row_key_;  // If keys are stored, the one that was decoded last.
  std::string key_;
};

// How many rows a page has, by its first bytes. Throws kCorrupt.
uint32_t RowsInPage(std::string_view value);

}  // namespace rotv
