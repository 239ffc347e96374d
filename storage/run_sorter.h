// RunSorter writes the many rows of a copy to a store, in pages, so that what it has written overlaps little, whatever
// the order in which the rows come: a scan then merges one or two runs, and nothing has to be compacted.

#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/row_store.h"
#include "storage/spilled_runs.h"
#include "storage/version_buffer.h"

namespace rotv {

// One thread may use it.
class RunSorter {
 public:
  // `store` outlives it.
  explicit RunSorter(RowStore& store);

  // Takes the rows of a buffer without an index: writes to the store those that follow what was written before, and
  // keeps the others in a file if they are many. Returns the table of a row that was added twice, as far as that is
  // seen; then nothing was written. Throws kDisk.
  std::optional<TableId> Add(std::unique_ptr<VersionBuffer> rows);

  // Has all rows that were added written to the store, synced, and begins again. `look` is called now and then, and may
  // throw. Returns and throws as Add() does.
  std::optional<TableId> Finish(const std::function<void()>& look);

 private:
  // Passes on the first buffer, if that was not done yet.
  enum class To { kStore, kLate };
  std::optional<TableId> PassOnFirst(To to);

  // Writes rows that follow all that was written, and what is in `*pages`.
  using Entries = std::vector<VersionBuffer::Entry>;
  void WriteInOrder(const Entries& sorted, PageBuffer* pages);

  // The first and the last row of a table and epoch that are in pages; between them there is no room for another page.
  struct Span {
    std::string first, last;
  };

  RowStore& store_;
  std::map<std::string, Span, std::less<>> in_pages_;  // By the prefix of the keys.
  std::unique_ptr<VersionBuffer> first_;
  std::string last_key_;  // The greatest key of the first buffer and of those that followed; empty: there was none.
  SpilledRuns late_;
};

}  // namespace rotv
