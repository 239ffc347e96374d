// Masks the rows of one table, as COPY or pgoutput deliver them, before anything of them is stored. Pure.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "sync/formats/pgoutput.h"
#include "sync/mask/masker.h"

namespace rotv::mask {

class RowMask {
 public:
  // Masks rows of `shape` as the table's description says.
  RowMask(const proto::Table& table, const proto::Shape& shape, const MaskSecret& secret);

  bool empty() const { return masked_.empty(); }

  // Returns the masked row. Valid until the next call, and as long as `line` is.
  std::string_view Line(std::string_view line);

  // Returns the masked tuple; NULL and unchanged columns stay so. Valid as long as Line()'s result.
  const formats::pgoutput::Tuple& Row(const formats::pgoutput::Tuple& row);

 private:
  struct MaskedColumn {
    size_t index;  // Index in the shape.
    std::unique_ptr<const Masker> masker;
  };

  const size_t columns_;
  std::vector<MaskedColumn> masked_;
  std::vector<std::string_view> fields_;
  std::string scratch_, value_, line_;
  formats::pgoutput::Tuple row_;
  std::vector<std::string> values_;  // Storage that row_ points into.
};

}  // namespace rotv::mask
