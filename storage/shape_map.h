// The shapes of a store's rows, and how a row of one shape becomes a row of another shape of its table: columns are the
// same if their numbers are. A column that the row does not have gets the value that such rows have; one that the new
// shape does not have is left out.
//
// Filled by one thread while nobody reads; then read by any.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "storage/row_version.h"

namespace rotv {

class ShapeMap {
 public:
  void Add(const proto::Shape& shape);

  // Throws kCorrupt if there is none.
  const proto::Shape& Get(uint32_t id) const;
  // The shape of this table whose columns have the same names, numbers and types.
  std::optional<uint32_t> Find(const proto::Shape& like) const;
  // A column of a table, as some shape has it; null if none does.
  const proto::Column* FindColumn(TableId table, uint32_t number) const;
  uint32_t greatest_id() const { return shapes_.empty() ? 0 : shapes_.rbegin()->first; }

  // `line`, of shape `from`, as a line of shape `to`: itself where both have the same columns, else a view of
  // `*scratch`. Fields that are kUnchangedField stay so. Throws kCorrupt if the line is not of its shape.
  std::string_view Convert(uint32_t from, uint32_t to, std::string_view line, std::string* scratch) const;

  // Puts the fields of `older` where `*partial`, a line of shape `shape`, says kUnchangedField. Returns whether every
  // field is known now.
  bool FillUnchanged(uint32_t shape, std::string* partial, const RowVersion& older) const;

 private:
  std::map<uint32_t, proto::Shape> shapes_;
  std::map<TableId, std::vector<uint32_t>> by_table_;
};

// Converts the lines of a scan: what it has found out about two shapes is kept for the next line.
class ShapeConverter {
 public:
  // `shapes` outlives the converter.
  ShapeConverter(const ShapeMap& shapes, uint32_t to) : shapes_(shapes), to_(to) {}

  // The result lives until the next call, and as long as `line`.
  std::string_view Convert(uint32_t from, std::string_view line);

 private:
  // Where each column of the new shape comes from: the index of a field, or a value.
  struct Source {
    int field = -1;
    std::string_view value;
  };
  void Plan(uint32_t from);

  const ShapeMap& shapes_;
  const uint32_t to_;
  uint32_t planned_ = 0;  // The shape that plan_ is for; 0 for none.
  bool same_ = false;
  size_t fields_ = 0;
  std::vector<Source> plan_;
  std::vector<std::string_view> split_;
  std::string line_;
};

}  // namespace rotv
