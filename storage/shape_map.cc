#include "storage/shape_map.h"

#include <algorithm>
#include <mutex>

#include "storage/corrupt.h"
#include "storage/error.h"

namespace rotv {
namespace {

constexpr std::string_view kNullField = "\\N";

bool SameColumn(const proto::Column& a, const proto::Column& b) {
  return a.number() == b.number() && a.name() == b.name() && a.type_oid() == b.type_oid() &&
         a.type_modifier() == b.type_modifier();
}

template <typename Same>
bool SameColumns(const proto::Shape& a, const proto::Shape& b, Same same) {
  return std::equal(a.columns().begin(), a.columns().end(), b.columns().begin(), b.columns().end(), same);
}

}  // namespace

void ShapeMap::Add(const proto::Shape& shape) {
  if (Knows(shape)) return;
  const std::lock_guard lock(mutex_);
  shapes_.emplace(shape.id(), shape);
  by_table_[shape.table()].push_back(shape.id());
}

bool ShapeMap::Knows(const proto::Shape& shape) const {
  const std::shared_lock lock(mutex_);
  const auto found = shapes_.find(shape.id());
  if (found == shapes_.end()) return false;
  if (found->second.SerializeAsString() != shape.SerializeAsString()) ThrowCorrupt("two shapes with one number");
  return true;
}

const proto::Shape& ShapeMap::Get(uint32_t id) const {
  const std::shared_lock lock(mutex_);
  auto found = shapes_.find(id);
  if (found == shapes_.end()) ThrowCorrupt("a row of an unknown shape");
  return found->second;
}

bool ShapeMap::Has(uint32_t id) const {
  const std::shared_lock lock(mutex_);
  return shapes_.count(id) > 0;
}

uint32_t ShapeMap::greatest_id() const {
  const std::shared_lock lock(mutex_);
  return shapes_.empty() ? 0 : shapes_.rbegin()->first;
}

std::optional<uint32_t> ShapeMap::Find(const proto::Shape& like) const {
  const std::shared_lock lock(mutex_);
  auto ids = by_table_.find(like.table());
  if (ids == by_table_.end()) return std::nullopt;
  for (uint32_t id : ids->second) {
    if (SameColumns(shapes_.at(id), like, SameColumn)) return id;
  }
  return std::nullopt;
}

const proto::Column* ShapeMap::FindColumn(TableId table, uint32_t number) const {
  const std::shared_lock lock(mutex_);
  auto ids = by_table_.find(table);
  if (ids == by_table_.end()) return nullptr;
  for (uint32_t id : ids->second) {
    for (const proto::Column& column : shapes_.at(id).columns()) {
      if (column.number() == number) return &column;
    }
  }
  return nullptr;
}

std::string_view ShapeMap::Convert(uint32_t from, uint32_t to, std::string_view line, std::string* scratch) const {
  if (from == to) return line;
  ShapeConverter converter(*this, to);
  std::string_view converted = converter.Convert(from, line);
  if (converted.data() == line.data()) return line;
  scratch->assign(converted);
  return *scratch;
}

bool ShapeMap::FillUnchanged(uint32_t shape, std::string* partial, const RowVersion& older) const {
  std::string scratch;
  return rotv::FillUnchanged(partial, Convert(older.shape, shape, older.text, &scratch));
}

void ShapeConverter::Plan(uint32_t from) {
  const proto::Shape& source = shapes_.Get(from);
  const proto::Shape& target = shapes_.Get(to_);
  planned_ = from;
  same_ = SameColumns(source, target,
                      [](const proto::Column& a, const proto::Column& b) { return a.number() == b.number(); });
  fields_ = static_cast<size_t>(source.columns_size());
  plan_.clear();
  for (const proto::Column& column : target.columns()) {
    auto same = std::find_if(source.columns().begin(), source.columns().end(),
                             [&](const proto::Column& other) { return other.number() == column.number(); });
    if (same != source.columns().end()) {
      plan_.push_back({.field = static_cast<int>(same - source.columns().begin()), .value = {}});
    } else {
      plan_.push_back({.field = -1, .value = column.has_missing() ? column.missing() : kNullField});
    }
  }
}

bool ShapeConverter::IsSame(uint32_t from) {
  if (from == to_) return true;
  if (planned_ != from) Plan(from);
  return same_;
}

std::string_view ShapeConverter::Convert(uint32_t from, std::string_view line) {
  if (IsSame(from)) return line;
  split_.clear();
  for (size_t start = 0; fields_ != 0;) {
    size_t tab = line.find('\t', start);
    split_.push_back(line.substr(start, tab - start));
    if (tab == std::string_view::npos) break;
    start = tab + 1;
  }
  if (split_.size() != fields_) ThrowCorrupt("a row with another number of columns than its shape");
  line_.clear();
  for (const Source& source : plan_) {
    line_.append(source.field < 0 ? source.value : split_[static_cast<size_t>(source.field)]);
    line_.push_back('\t');
  }
  if (!line_.empty()) line_.pop_back();
  return line_;
}

}  // namespace rotv
