// Decides which rows of a table are kept if a rule keeps a part of them. Pure.

#pragma once

#include <string_view>

#include "proto/store.pb.h"
#include "sync/mask/keyed_hash.h"

namespace rotv::mask {

class RowSample {
 public:
  RowSample(const proto::Table& table, const MaskSecret& secret)
      : percent_(table.mask().sample_percent()), hash_(secret, "sample") {}

  // True if the row with this key (RowCodec's) is kept: the same answer each time.
  bool Keeps(std::string_view key) const {
    constexpr uint64_t kAll = 100;
    return percent_ == 0 || hash_(key) % kAll < static_cast<uint64_t>(percent_);
  }

 private:
  const int percent_;  // 0: all rows.
  const KeyedHash hash_;
};

}  // namespace rotv::mask
