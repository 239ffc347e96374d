#include "sync/schema_text.h"

#include "sync/context/open_workspace.h"
#include "sync/formats/clean_part.h"
#include "sync/formats/schema_roles.h"
#include "sync/schema/schema_check.h"
#include "sync/schema/stored_facts.h"

namespace rotv {

namespace {

SchemaText TextAt(const history::PointInStore& found) {
  proto::SchemaVersion schema = found.store->SchemaAt(found.point.lsn);
  schema::CheckStoredSchema(schema);
  return {.sql = formats::WithoutCleanPart(schema.pre_data()) + schema.post_data(),
          .point = found.point,
          .roles = formats::RolesIn(schema.post_data()),
          .facts = schema::FactsOf(schema)};
}

}  // namespace

SchemaText ReadSchemaText(const Context& context, const std::string& snapshot) {
  Workspace workspace = OpenWorkspace(context, "validate-schema", Access::kRead);
  return TextAt(history::OpenPoint(workspace, snapshot));
}

SchemaText ReadSchemaText(const Context& context, const history::ResolvedPoint& point) {
  Workspace workspace = OpenWorkspace(context, "validate-schema", Access::kRead);
  return TextAt(history::OpenPoint(workspace, point));
}

}  // namespace rotv
