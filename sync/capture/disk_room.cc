#include "sync/capture/disk_room.h"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "storage/error.h"
#include "storage/free_space.h"
#include "storage/size_text.h"
#include "sync/schema/follow.h"

namespace rotv::capture {
namespace {

// Parts of a table's size on the source, in percent. A table of long numbers or of texts takes a quarter to a half of
// it in the store; one with values that are compressed there already takes as much here. A table that is mostly dead
// rows takes next to nothing: so a baseline is refused only where even a twentieth has no room.
constexpr uint64_t kLeastPercent = 5;
constexpr uint64_t kUsualPercent = 40;
constexpr uint64_t kMostPercent = 100;

}  // namespace

RoomForBaseline EstimateBaseline(const postgres::Catalog& catalog, const proto::SchemaVersion& schema) {
  std::map<uint32_t, uint64_t> sizes;
  for (const postgres::CatalogTable& table : catalog.tables) sizes[table.oid] = static_cast<uint64_t>(table.bytes);
  RoomForBaseline room;
  for (const proto::Table& table : schema.tables()) {
    if (!schema::HasRows(table)) continue;
    const uint64_t bytes = sizes[table.id()];
    const bool all_rows =
        table.filter().empty() && table.mask().sample_percent() == 0 && table.mask().conditions().empty();
    if (all_rows) room.least += bytes * kLeastPercent / 100;
    room.about += bytes * kUsualPercent / 100;
    room.most += bytes * kMostPercent / 100;
  }
  return room;
}

std::string MoreRoomHint(const Context& context) {
  return fmt::format("free space on the disk that holds {}, or choose another place with --home",
                     context.home.string());
}

void CheckRoomForBaseline(const Context& context, const postgres::Catalog& catalog,
                          const proto::SchemaVersion& schema) {
  const RoomForBaseline room = EstimateBaseline(catalog, schema);
  const std::optional<FreeSpace> space = FreeSpaceOf(context.home);
  if (!space || space->usable() >= room.most) return;
  const std::string needs = fmt::format("the baseline needs about {} here, and {} are free in {}", SizeText(room.about),
                                        SizeText(space->usable()), context.home.string());
  if (space->usable() < room.least) throw Error(ErrorCode::kDisk, needs, MoreRoomHint(context));
  context.progress.Warn(fmt::format("{}: it might not fit", needs));
}

void WarnOfLongPull(const Context& context, uint64_t wal_bytes) {
  const std::optional<FreeSpace> space = FreeSpaceOf(context.home);
  if (!space || space->usable() >= wal_bytes) return;
  context.progress.Warn(fmt::format(
      "up to {} are to be received, and {} are free in {}: a pull that does not fit ends before the disk is full, and "
      "the next one goes on from there",
      SizeText(wal_bytes), SizeText(space->usable()), context.home.string()));
}

}  // namespace rotv::capture
