// Which steps of a published history lead to its present state.

#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "proto/remote.pb.h"
#include "storage/lsn.h"
#include "storage/row_version.h"

namespace rotv::remote {

using Steps = std::vector<const proto::RemoteStep*>;

// A state that somebody has, by the publication that he took last.
struct Place {
  uint64_t number = 0;
  Lsn durable_lsn;
};

// The steps from `place` to the head that cost least, in order; nullopt if none lead there. There
// are none to be taken if `place` is the head. The first may begin before `place`: what it has of before is there
// already. They point into `head`, whose marks are in order (ParseHead()).
std::optional<Steps> PathFrom(const proto::RemoteHead& head, const Place& place);

// The same from the state of a store that follows the remote, by its manifest; nullopt also if that is of another
// history.
std::optional<Steps> PathFromStore(const proto::RemoteHead& head, const proto::Manifest& store);

// The same from nothing: the base, and the steps after it.
std::optional<Steps> PathFromNothing(const proto::RemoteHead& head);

// What it costs to read them, in bytes: a request counts as many as are sent in the time that it takes, where several
// are on their way at once.
inline constexpr uint64_t kRequestBytes = uint64_t{16} << 10;
uint64_t CostOf(const proto::RemoteStep& step);
uint64_t CostOf(const Steps& steps);

uint64_t BytesOf(const proto::RemoteStep& step);
uint64_t BytesOf(const Steps& steps);

// The publication that a head is, as a mark.
proto::RemoteMark MarkOf(const proto::RemoteHead& head);

// True if damage has taken rows of the store that the remote has: no step brings them back.
bool LacksRowsOf(const proto::Manifest& store, const proto::RemoteHead& head);

// The epochs of which damage has taken rows.
std::set<std::pair<TableId, EpochNumber>> DamagedEpochs(const proto::Manifest& manifest);

}  // namespace rotv::remote
