// Takes the rows of a published history into a store. Nothing in them is trusted: they are checked like those of a
// source.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "storage/row_store.h"
#include "sync/check/entry_check.h"
#include "sync/remote/unpacked_segment.h"

namespace rotv::remote {

// The epochs that the head or the store has, and the LSN at which each starts: that of the rows that were copied.
using EpochStarts = std::map<std::pair<TableId, EpochNumber>, Lsn>;

// What the rows of a segment are held against.
struct RowBounds {
  Lsn begin, end;  // Those of its step.
  Lsn from;        // Versions before it are in the store already.
  std::shared_ptr<const check::EntryCheck> check;
};

// One for each thread; any number of them may write to one store.
class RowIntake {
 public:
  // Both outlive it.
  RowIntake(RowStore& store, const EpochStarts& epochs) : store_(store), epochs_(epochs) {}

  // Writes the rows of a segment, or keeps them for later if they are few. Throws kCorrupt if they are none that a
  // publisher writes, kDisk.
  void Take(const UnpackedSegment& segment, const RowBounds& bounds);
  // Writes what was kept.
  void Flush();

  uint64_t versions() const { return versions_; }

 private:
  void TakeTable(std::string_view rows, const RowBounds& bounds);
  PageBuffer::Place PlaceOf(const VersionKey& key, Lsn epoch_start);

  RowStore& store_;
  const EpochStarts& epochs_;
  std::shared_ptr<const check::EntryCheck> check_;  // Of which the memory is.
  check::EntryCheck::Memory memory_;
  std::unique_ptr<PageBuffer> buffer_;
  std::string last_in_page_;  // The row that was put into a page last, of those in the buffer.
  uint64_t versions_ = 0;
};

// Throws kCorrupt: "the published history has `what`".
[[noreturn]] void ThrowUnfit(std::string_view what);

}  // namespace rotv::remote
