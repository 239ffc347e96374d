// The schema as the store keeps it, from the catalogue. Pure.

#pragma once

#include <vector>

#include "proto/store.pb.h"
#include "storage/shape_map.h"
#include "sync/context/source_config.h"
#include "sync/postgres/catalog.h"

namespace rotv::schema {

struct DescribedSchema {
  proto::SchemaVersion schema;           // Without its texts and without the contents' fingerprints.
  std::vector<proto::Shape> new_shapes;  // Those of its tables that are not in `known`.
};

// Tables, shapes, sequences and labels of enums; large objects are its last table. Shapes that `known` has keep their
// number.
DescribedSchema DescribeSchema(const postgres::Catalog& catalog, const SourceConfig& source, const ShapeMap& known);

}  // namespace rotv::schema
