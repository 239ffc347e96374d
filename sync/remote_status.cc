#include "sync/remote_status.h"

#include <fmt/format.h>

#include <map>
#include <memory>

#include "storage/directory_size.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "storage/source_records.h"
#include "sync/context/open_workspace.h"
#include "sync/remote/head_frame.h"
#include "sync/remote/head_object.h"
#include "sync/remote/object_hash.h"
#include "sync/remote/position.h"
#include "sync/remote/publisher_name.h"
#include "sync/remote/step_path.h"
#include "sync/remote_address.h"
#include "sync/remote_subset.h"

namespace rotv {
namespace {

using remote::Steps;

Published Describe(const proto::RemoteHead& head, const std::optional<PublicKey>& signer) {
  constexpr size_t kDigits = 12;
  const proto::Manifest& state = head.state();
  Published published{.source = head.source(),
                      .publisher = head.publisher(),
                      .signed_by = signer ? PublicKeyText(*signer) : "",
                      .published_us = head.published_us(),
                      .number = head.number(),
                      .generation = remote::HashText(head.generation()).substr(0, kDigits),
                      .baseline = Lsn(state.baseline_lsn()),
                      .baseline_time_us = state.baseline_time_us(),
                      .head = Lsn(state.head_lsn()),
                      .head_time_us = state.head_time_us(),
                      .snapshots = static_cast<uint64_t>(state.snapshots_size()),
                      .base_number = head.base().to().number(),
                      .base_bytes = remote::BytesOf(head.base()),
                      .levels = {}};
  for (const proto::RemoteStep* step : remote::PathFromNothing(head).value_or(Steps())) {
    published.whole_bytes += remote::BytesOf(*step);
    published.whole_objects += static_cast<uint64_t>(step->objects_size());
  }
  std::map<uint64_t, Published::Level> levels;
  for (const proto::RemoteStep& step : head.changes()) {
    Published::Level& level = levels[step.to().number() - step.from().number()];
    ++level.steps;
    level.bytes += remote::BytesOf(step);
  }
  for (auto& [publications, level] : levels) {
    level.publications = publications;
    published.levels.push_back(level);
  }
  for (const proto::RemoteStep& step : head.retired()) {
    published.retired_bytes += remote::BytesOf(step);
    published.retired_objects += static_cast<uint64_t>(step.objects_size());
  }
  return published;
}

uint64_t TransactionsSince(const RowStore& store, Lsn from, const Interrupt& interrupt) {
  uint64_t transactions = 0;
  store.VisitLog(from, [&](const proto::Transaction& piece) {
    interrupt.Check();
    if (!piece.continued()) ++transactions;
    return true;
  });
  return transactions;
}

std::unique_ptr<RowStore> OpenStore(const Workspace& workspace) {
  return RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
}

std::string OurPublicKey(const Context& context, const RemoteConfig& remote) {
  const std::optional<SigningKey> key = FindSigningKey(context.home);
  return key ? PublicKeyText(KeyForRemote(*key, context.source.name, remote.name).public_key) : "";
}

// Its store may have been removed: then the next one has another baseline.
bool IsOurSubset(const Context& context, const RemoteConfig& remote, const proto::Manifest& published,
                 const proto::Manifest& here) {
  return std::filesystem::exists(SubsetDirectory(context.home, context.source.name, remote.name) / "store") &&
         IsOfSubset(published, SubsetOrigin(here, RowsFor(remote, context.source)));
}

}  // namespace

PublicationStatus StatusOfPublication(const Context& context, const RemoteConfig& remote) {
  const Workspace workspace = OpenWorkspace(context, "publish", Access::kRead);
  const std::unique_ptr<RowStore> store = OpenStore(workspace);
  const std::unique_ptr<remote::RemotePlace> place =
      remote::OpenPlace(AddressOf(remote), remote::Purpose::kRead, context);
  PublicationStatus status{.place = place->description(),
                           .published = std::nullopt,
                           .here = store->state().head_lsn(),
                           .here_time_us = store->manifest().head_time_us(),
                           .public_key = remote.sign ? OurPublicKey(context, remote) : "",
                           .signs = remote.sign,
                           .is_subset = remote.is_part()};
  if (remote.is_part()) {
    status.section = RowsFor(remote, context.source).section;
    status.subset_bytes = DirectorySize(SubsetDirectory(context.home, context.source.name, remote.name));
  }
  Lsn from;
  if (const std::optional<std::string> stored = place->ReadHead()) {
    const std::optional<remote::TeamKey> key = remote::ReadTeamKey(remote.key);
    const proto::RemoteHead head = remote::ParseHead(*stored, place->description(), key ? &*key : nullptr);
    status.published = Describe(head, remote::OpenFrame(*stored, place->description()).signer);
    // Whoever may write there can write our name, but not sign.
    status.is_ours = head.publisher() == remote::PublisherName(context.home) &&
                     (!remote.sign || (!status.public_key.empty() && status.published->signed_by == status.public_key));
    status.same_history = remote.is_part() ? IsOurSubset(context, remote, head.state(), store->manifest())
                                           : head.generation() == remote::GenerationOf(store->manifest());
    if (status.same_history) from = Lsn(head.state().durable_lsn());
  }
  status.transactions = TransactionsSince(*store, from, context.interrupt);
  return status;
}

FollowingStatus StatusOfRemote(const Context& context) {
  const std::unique_ptr<remote::RemotePlace> place = remote::OpenFollowed(context);
  const remote::FollowerKeys keys = remote::KeysOf(context.source);
  const remote::FoundHead found = remote::ReadHeadOf(*place, keys);
  const proto::RemoteHead& head = found.head;
  FollowingStatus status{.place = place->description(), .published = Describe(head, found.signer)};
  if (HasRecords(context.home, context.source.name)) {
    const Workspace workspace = OpenWorkspace(context, "status", Access::kRead);
    if (workspace.current()) {
      const std::unique_ptr<RowStore> store = OpenStore(workspace);
      status.has_store = true;
      const proto::RemotePosition& here = store->manifest().remote();
      const bool goes_on = remote::GoesOn(here, found, keys);
      const std::optional<Steps> steps =
          goes_on ? remote::PathFromStore(head, store->manifest()) : std::optional<Steps>();
      if (steps) {
        status.publications = head.number() - here.number();
        status.bytes = remote::BytesOf(*steps);
        return status;
      }
    }
  }
  status.needs_all = true;
  status.bytes = status.published.whole_bytes;
  return status;
}

}  // namespace rotv
