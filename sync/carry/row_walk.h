// Walks the rows of a table that differ between two of its states with the same columns.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/interrupt.h"
#include "sync/history/row_diff.h"

namespace rotv::carry {

// Called with a row's line in each of the two states; nullopt where it has none. Lines live until the call returns.
// False ends the walk.
using VisitRow =
    std::function<bool(const std::optional<std::string_view>& before, const std::optional<std::string_view>& after)>;

// The unquoted names of the columns that identify a row; empty for a multiset.
std::vector<std::string> KeyNames(const history::TableState& state);

// True if both states name a row by the same key, so that WalkAll() pairs them.
bool KeysAgree(const history::TableState& before, const history::TableState& after);

// Walks the rows of these keys, in their order; both states must be of one epoch. In a multiset, rows that differ in
// number are visited once.
void WalkTouched(const history::TableState& before, const history::TableState& after,
                 const std::vector<std::string>& sorted_keys, const VisitRow& visit, const Interrupt& interrupt);

// Walks all rows of both states, which are read side by side. KeysAgree() must hold.
void WalkAll(const history::TableState& before, const history::TableState& after, const VisitRow& visit,
             const Interrupt& interrupt);

// Reads the rows of one state, from the row with this key on.
std::unique_ptr<RowScan> ScanState(const history::TableState& state, const std::string& first_key = "",
                                   ScanRequest::Access access = ScanRequest::Access::kAllRows);

}  // namespace rotv::carry
