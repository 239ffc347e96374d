// Decides whether the two ends of a foreign key can be masked so that equal values remain equal, and makes their masks
// agree. Pure.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sync/context/mask_rule.h"
#include "sync/mask/mask_facts.h"
#include "sync/mask/masker.h"

namespace rotv::mask {

// One column at an end of a foreign key.
struct ReferenceEnd {
  std::string name;                // For messages: "public.orders.who".
  const MaskRule* rule = nullptr;  // Null: the column is not masked.
  MaskColumn* column = nullptr;
  bool without_rows = false;  // No row of the table comes here.
  std::string masked_base;    // A masked column that it is computed from; empty if there is none.
};

// Makes the columns that a foreign key joins and one rule masks alike in all that decides about masked values, so that
// equal values stay equal through any number of foreign keys. Returns what is wrong, a sentence for each: the masked
// rows would violate a foreign key that an import checks. The ends that `end_of` returns stay valid meanwhile.
std::vector<std::string> JoinReferences(const std::vector<MaskFacts::Reference>& references,
                                        const std::function<ReferenceEnd(uint32_t table, int column)>& end_of);

}  // namespace rotv::mask
