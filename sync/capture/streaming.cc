#include "sync/capture/streaming.h"

#include <future>

#include "sync/capture/change_stream.h"
#include "sync/mask/secret.h"

namespace rotv::capture {

Applier::Counts StreamUntil(postgres::SourceSession& session, RowStore& store, const std::vector<StreamedTable>& tables,
                            Lsn target, StoreState* state, const std::function<void()>& meanwhile) {
  const Context& context = session.context();
  StoreWriter writer(store);
  const Lsn from = state->durable_lsn();
  Applier applier(tables, *state, writer, from, mask::MaskSecretOf(context));
  std::unique_ptr<postgres::PgConnection> connection = session.TakeReplication();
  ChangeStream stream({.connection = *connection,
                       .applier = applier,
                       .writer = writer,
                       .state = *state,
                       .progress = context.progress,
                       .interrupt = context.interrupt,
                       .wal_flush = [&] { return postgres::AskWalFlush(session.connection()); },
                       .flush_wal = [&] { return postgres::FlushWal(session.connection()); }});
  context.progress.Begin("receiving changes", Progress::Unit::kBytes, BytesBetween(from, target));
  stream.ReceiveUntil(target);
  std::future<void> asked;
  if (meanwhile) asked = std::async(std::launch::async, meanwhile);
  stream.End();
  context.progress.End();
  if (meanwhile) asked.get();
  return applier.counts();
}

}  // namespace rotv::capture
