#include "sync/schema_with_rights.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "os/temporary_directory.h"
#include "storage/error.h"
#include "sync/capture/pull_target.h"
#include "sync/postgres/source_session.h"
#include "sync/schema/schema_check.h"

namespace rotv {
namespace {

// Counts rows with privileges that a transaction has changed which the head does not have; {0} is the head's xid. The
// fingerprint of the schema has the other catalogues by their xmin. An xmin has 32 bits: the upper ones are chosen so
// that it is below the next transaction's. TRUNCATE changes a row of pg_class as well: a pull helps then, too.
constexpr const char* kNewerSql = R"(
SELECT count(*)
FROM (SELECT xmin FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relpersistence <> 't'
      UNION ALL SELECT xmin FROM pg_catalog.pg_proc WHERE oid < 16384
      UNION ALL SELECT xmin FROM pg_catalog.pg_type WHERE oid < 16384) changed(by),
     (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) now
WHERE changed.by::text::bigint > 2 AND now.next - ((now.next - changed.by::text::bigint) & 4294967295) >= {})";

class Reading {
 public:
  Reading(const Context& context, const RowStore& store) : store_(store), session_(context, sockets_.path()) {}

  proto::SchemaVersion Run(Lsn lsn, postgres::DumpRights rights) {
    RequireUnchanged();
    const std::optional<formats::DumpSections> sections = postgres::DumpSchemaWithRights(session_, rights);
    if (!sections) ThrowChanged();
    RequireUnchanged();
    proto::SchemaVersion schema = store_.SchemaAt(lsn);
    const std::string_view before(schema.pre_data());
    // The DROPs of large objects are put into the DROPs, which owners and privileges do not change.
    if (before.substr(0, schema.drops_at()) != std::string_view(sections->pre_data).substr(0, schema.drops_at())) {
      ThrowChanged();
    }
    schema.set_pre_data(sections->pre_data);
    schema.set_post_data(sections->post_data);
    schema::CheckSchemaTexts(schema);
    return schema;
  }

 private:
  // Both are asked before the dump and after it, so that nothing has changed in between.
  void RequireUnchanged() {
    const proto::Manifest& manifest = store_.manifest();
    const capture::SourceState source = capture::AskSourceState(session_.connection(), manifest);
    const postgres::Fingerprint stored{manifest.schema_fingerprint(), manifest.table_fingerprint()};
    const postgres::PgResult newer =
        session_.connection().Query(fmt::format(fmt::runtime(kNewerSql), manifest.head_xid()));
    if (source.fingerprint != stored || newer.Int(0, 0) != 0) ThrowChanged();
  }

  [[noreturn]] static void ThrowChanged() {
    throw Error(ErrorCode::kUsage,
                "owners and privileges of the head are not known: the schema or its privileges have changed since",
                "rotv-sync pull, then the same command");
  }

  const RowStore& store_;
  const os::TemporaryDirectory sockets_;  // Nothing is written in the home directory.
  postgres::SourceSession session_;
};

}  // namespace

proto::SchemaVersion ReadSchemaWithRights(const Context& context, const history::PointInStore& found,
                                          postgres::DumpRights rights) {
  const proto::Manifest& manifest = found.store->manifest();
  if (found.point.lsn != Lsn(manifest.head_lsn()) || manifest.imported()) {
    throw Error(ErrorCode::kUsage, "owners and privileges are known for the head alone: a store does not keep them",
                "leave out --at and --snapshot, or leave out --owner and --acl");
  }
  return Reading(context, *found.store).Run(found.point.lsn, rights);
}

}  // namespace rotv
