#include "sync/mask/row_mask.h"

#include <fmt/format.h>

#include "sync/formats/copy_text.h"
#include "sync/mask/make_masker.h"
#include "sync/mask/stored_mask.h"

namespace rotv::mask {

RowMask::RowMask(const proto::Table& table, const proto::Shape& shape, const MaskSecret& secret)
    : columns_(static_cast<size_t>(shape.columns_size())) {
  for (int i = 0; i < shape.columns_size(); ++i) {
    const proto::MaskedColumn* masked = MaskOf(table, shape.columns(i).number());
    if (masked == nullptr) continue;
    masked_.push_back({static_cast<size_t>(i),
                       MakeMasker(*masked, fmt::format("{}.{}", table.quoted_name(), masked->name()), secret)});
  }
  values_.resize(masked_.size());
}

std::string_view RowMask::Line(std::string_view line) {
  if (masked_.empty()) return line;
  formats::SplitCopyLine(line, columns_, &fields_);
  line_.clear();
  const char* copied_to = line.data();
  for (const MaskedColumn& column : masked_) {
    const std::string_view field = fields_[column.index];
    if (field == formats::kCopyNull) continue;
    line_.append(copied_to, field.data());
    copied_to = field.data() + field.size();
    value_.clear();
    if (column.masker->Append(formats::UnescapeCopyField(field, &scratch_), &value_)) {
      formats::AppendCopyEscaped(value_, &line_);
    } else {
      line_ += formats::kCopyNull;
    }
  }
  line_.append(copied_to, line.data() + line.size());
  return line_;
}

const formats::pgoutput::Tuple& RowMask::Row(const formats::pgoutput::Tuple& row) {
  if (masked_.empty()) return row;
  row_ = row;
  for (size_t i = 0; i < masked_.size(); ++i) {
    // A tuple with another number of columns is refused by the caller.
    if (masked_[i].index >= row_.size()) continue;
    formats::pgoutput::Column& column = row_[masked_[i].index];
    if (column.kind != formats::pgoutput::Column::Kind::kText) continue;
    values_[i].clear();
    if (masked_[i].masker->Append(column.text, &values_[i])) {
      column.text = values_[i];
    } else {
      column = {.kind = formats::pgoutput::Column::Kind::kNull, .text = {}};
    }
  }
  return row_;
}

}  // namespace rotv::mask
