// Writes what makes the large objects of one state those of another one.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "storage/interrupt.h"
#include "sync/carry/table_writer.h"

namespace rotv::carry {

// The comments of large objects in both states (ObjectComments()).
struct CommentPair {
  std::map<uint32_t, std::string> from;
  std::map<uint32_t, std::string> to;
};

// Writes the objects whose bytes differ, and the comments that differ. `pair` has their chunks, rows of the table
// postgres::kLargeObjectTable; nullopt if these are the same in both states. Returns how many chunks and comments were
// written or removed; nothing is written for 0.
uint64_t WriteObjects(const std::optional<TablePair>& pair, const CommentPair& comments,
                      const TableWriter::Write& write, const Interrupt& interrupt);

}  // namespace rotv::carry
