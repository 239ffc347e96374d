#include "sync/mask/stored_lineage.h"

#include <memory>

#include "storage/row_store.h"
#include "sync/postgres/source_session.h"

namespace rotv::mask {

MaskLineage ReadStoredLineage(const std::filesystem::path& store, postgres::PgConnection& connection) {
  const std::unique_ptr<RowStore> former = RowStore::Open(store, RowStore::Mode::kReadOnly);
  const proto::Manifest& manifest = former->manifest();
  const proto::SourceIdentity now = postgres::ReadIdentity(connection);
  const bool same =
      manifest.source().system_id() == now.system_id() && manifest.source().database_oid() == now.database_oid();
  return MaskLineage(former->SchemaAt(Lsn(manifest.head_lsn())),
                     same ? MaskLineage::Database::kSame : MaskLineage::Database::kOther);
}

}  // namespace rotv::mask
