// ShapeMap has the shapes of a store's rows, and converts a row of one shape to another shape of its table: columns are
// the same if their numbers are. A column that the row lacks gets the value that older rows have (Column.missing); a
// column that the new shape lacks is left out.
//
// One thread may fill it while any number read.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "storage/row_version.h"

namespace rotv {

class ShapeMap {
 public:
  // Adds a shape, or does nothing if it is there. Throws what Knows() throws.
  void Add(const proto::Shape& shape);

  // True if this shape is there. Throws kCorrupt if its id is another shape's: one never changes, since rows were
  // stored with it and are read with it.
  bool Knows(const proto::Shape& shape) const;
  // The shape with this id. Throws kCorrupt if there is none.
  const proto::Shape& Get(uint32_t id) const;
  bool Has(uint32_t id) const;
  // The shape of this table whose columns have the same names, numbers and types.
  std::optional<uint32_t> Find(const proto::Shape& like) const;
  // A column of a table, taken from any shape that has it; null if none does.
  const proto::Column* FindColumn(TableId table, uint32_t number) const;
  uint32_t greatest_id() const;

  // Converts `line` from shape `from` to shape `to`. Returns `line` itself if both have the same columns, else a view
  // of `*scratch`. A kUnchangedField stays one. Throws kCorrupt if the line does not fit its shape.
  std::string_view Convert(uint32_t from, uint32_t to, std::string_view line, std::string* scratch) const;

  // Replaces each kUnchangedField of `*partial`, a line of shape `shape`, with the field of `older`. Returns true if
  // every field is known now.
  bool FillUnchanged(uint32_t shape, std::string* partial, const RowVersion& older) const;

 private:
  mutable std::shared_mutex mutex_;  // Of both maps; a shape that was added never changes.
  std::map<uint32_t, proto::Shape> shapes_;
  std::map<TableId, std::vector<uint32_t>> by_table_;
};

// ShapeConverter converts the lines of a scan: it keeps the mapping between two shapes for the next line.
class ShapeConverter {
 public:
  // `shapes` outlives the converter.
  ShapeConverter(const ShapeMap& shapes, uint32_t to) : shapes_(shapes), to_(to) {}

  // The result lives until the next call, and as long as `line`.
  std::string_view Convert(uint32_t from, std::string_view line);

  // True if lines of this shape need no conversion.
  bool IsSame(uint32_t from);

 private:
  // The origin of a column of the new shape: the index of a field, or (if negative) a value.
  struct Source {
    int field = -1;
    std::string_view value;
  };
  void Plan(uint32_t from);

  const ShapeMap& shapes_;
  const uint32_t to_;
  uint32_t planned_ = 0;  // The shape that plan_ converts from; 0: none yet.
  bool same_ = false;
  size_t fields_ = 0;
  std::vector<Source> plan_;
  std::vector<std::string_view> split_;
  std::string line_;
};

}  // namespace rotv
