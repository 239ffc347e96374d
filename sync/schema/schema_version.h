// Describes a catalogue as the store keeps it. Pure.

#pragma once

#include <vector>

#include "proto/store.pb.h"
#include "storage/shape_map.h"
#include "sync/context/source_config.h"
#include "sync/postgres/catalog.h"

namespace rotv::schema {

struct DescribedSchema {
  proto::SchemaVersion schema;           // Without its texts and without the content fingerprints.
  std::vector<proto::Shape> new_shapes;  // Shapes of its tables that `known` does not have.
};

// Describes tables, shapes, sequences and enum labels; the last table stands for large objects. Shapes that `known` has
// keep their number. Throws kProtocol as CheckSchemaNames() does.
DescribedSchema DescribeSchema(const postgres::Catalog& catalog, const SourceConfig& source, const ShapeMap& known);

}  // namespace rotv::schema
