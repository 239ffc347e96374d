#include "sync/schema_text.h"

#include "sync/context/open_workspace.h"
#include "sync/formats/schema_roles.h"
#include "sync/schema/schema_check.h"

namespace rotv {

SchemaText ReadSchemaText(const Context& context, const std::string& snapshot) {
  Workspace workspace = OpenWorkspace(context, "validate-schema");
  auto [store, point] = history::OpenPoint(workspace, "", snapshot);
  proto::SchemaVersion schema = store->SchemaAt(point.lsn);
  schema::CheckStoredSchema(schema);
  return {.sql = schema.pre_data() + schema.post_data(), .point = point, .roles = formats::RolesIn(schema.post_data())};
}

}  // namespace rotv
