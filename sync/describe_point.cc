#include "sync/describe_point.h"

#include "storage/row_store.h"
#include "sync/context/open_workspace.h"
#include "sync/formats/schema_roles.h"
#include "sync/schema/stored_facts.h"

namespace rotv {

PointDescription DescribePoint(const Context& context, const std::string& point) {
  const Workspace workspace = OpenWorkspace(context, "start", Access::kRead);
  const history::PointInStore found = history::OpenPoint(workspace, point);
  const proto::SchemaVersion schema = found.store->SchemaAt(found.point.lsn);
  return {.point = history::Resolved(found),
          .roles = formats::RolesIn(schema.post_data()),
          .facts = schema::FactsOf(schema)};
}

}  // namespace rotv
