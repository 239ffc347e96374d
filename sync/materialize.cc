#include "sync/materialize.h"

#include <fmt/format.h>

#include <chrono>

#include "os/clock.h"
#include "storage/output_file.h"
#include "storage/row_store.h"
#include "sync/context/open_workspace.h"
#include "sync/formats/schema_roles.h"
#include "sync/history/gap.h"
#include "sync/history/point.h"
#include "sync/schema/stored_facts.h"
#include "sync/schema_with_rights.h"
#include "sync/seed/seed_writer.h"
#include "sync/subset/choose_rows.h"

namespace rotv {
namespace {

// A psql that does not know \restrict stops at it. If there is no psql here, a new one is assumed.
bool IsRestricted(const Context& context, const MaterializeOptions& options) {
  if (options.restrict_commands != postgres::Restrict::kAuto)
    return options.restrict_commands == postgres::Restrict::kAlways;
  const int version = postgres::PsqlVersion(options.psql_version, context.interrupt);
  if (version == 0 || postgres::HasFixesOfAugust2025(version)) return true;
  context.progress.Warn(fmt::format(
      "psql {}.{} does not know \\restrict, so the seed has none: update psql, or write it with --restrict always",
      version / 10000, version % 10000));
  return false;
}

// Says which tables have an older state than the point, and returns their names.
std::vector<std::string> TellOlderTables(const Context& context, const history::PointInStore& found) {
  std::vector<std::string> names;
  const proto::Gap* gap = history::GapAt(*found.store, found.point.lsn);
  if (gap == nullptr) return names;
  const std::vector<history::UnstreamedTable> tables = history::OnlyUnstreamed(*found.store, *gap);
  for (const history::UnstreamedTable& table : tables) names.push_back(table.name);
  context.progress.Warn(fmt::format("as they were at {}, since they are not streamed: {}",
                                    Lsn(gap->after_lsn()).ToString(), history::NamesText(tables)));
  return names;
}

subset::ChosenRows ChooseSubset(const Context& context, const history::PointInStore& found) {
  subset::ChosenRows rows =
      subset::ChooseRows(*found.store, found.point.lsn, context.source.subset, context.progress, context.interrupt);
  for (const std::string& remark : rows.remarks) context.progress.Warn(remark);
  return rows;
}

}  // namespace

std::filesystem::path SeedPath(const Context& context, const std::string& text, Lsn lsn, Compression compression,
                               SeedRows rows) {
  const std::string point = history::NameOfPoint(text, lsn);
  std::string name = "seed-data";
  // Names of snapshots and sources have neither '+' nor '@'.
  if (point != "head") name += (point == text ? "-" : "+") + point;
  if (rows == SeedRows::kSubset) name += "+subset";
  if (!context.source.is_default) name += "@" + context.source.name;
  name += ".sql";
  if (compression == Compression::kZstd) name += ".zst";
  if (compression == Compression::kGzip) name += ".gz";
  return context.home / name;
}

MaterializeResult Materialize(const Context& context, const MaterializeOptions& options) {
  auto start = std::chrono::steady_clock::now();
  Workspace workspace = OpenWorkspace(context, "materialize", Access::kRead);
  // Rows that a killed pull has left are after every point that can be asked for, so they need not be removed first.
  const history::PointInStore found = history::OpenPoint(workspace, options.point, options.in_gap);

  MaterializeResult result;
  result.path = options.output.empty() ? SeedPath(context, options.point, found.point.lsn, options.compression,
                                                  options.subset ? SeedRows::kSubset : SeedRows::kAll)
                                       : options.output;
  if (options.subset) result.subset = SubsetFingerprint(context.source.subset);
  result.point = history::Resolved(found);
  // is_there() may move the file of somebody else: not for a section that does not fit.
  if (options.subset) subset::RequireSubsetFits(*found.store, found.point.lsn, context.source.subset);
  if (options.is_there && options.is_there(result.path, result.point)) {
    result.written = false;
    return result;
  }
  result.older_tables = TellOlderTables(context, found);
  const proto::SchemaVersion schema = found.store->SchemaAt(found.point.lsn);
  std::optional<proto::SchemaVersion> with_rights;
  if (options.owners || options.privileges) {
    with_rights = ReadSchemaWithRights(context, found, {.owners = options.owners, .privileges = options.privileges});
  }
  const std::optional<subset::ChosenRows> rows =
      options.subset ? std::optional(ChooseSubset(context, found)) : std::nullopt;
  std::unique_ptr<SeedOutput> output = OpenSeedOutput(result.path, options.compression);
  context.progress.Begin("writing the seed", Progress::Unit::kBytes, 0);
  seed::SeedCounts counts =
      seed::WriteSeed(*found.store, found.point.lsn, [&](std::string_view bytes) { output->Write(bytes); },
                      context.progress, context.interrupt,
                      {.restrict_key =
                           [&] {
                             result.restricted = IsRestricted(context, options);
                             return result.restricted ? postgres::NewRestrictKey() : "";
                           },
                       .clean = options.clean,
                       .schema = with_rights ? &*with_rights : nullptr,
                       .rows = rows ? &*rows : nullptr});
  output->Commit();
  result.checksum = output->checksum();
  context.progress.End();
  result.roles = formats::RolesIn(schema.post_data());
  result.facts = schema::FactsOf(schema);
  result.tables = counts.tables;
  result.rows = counts.rows;
  result.bytes = counts.bytes;
  result.seconds = os::SecondsSince(start);
  return result;
}

}  // namespace rotv
