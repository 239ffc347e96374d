#include "sync/capture/streaming.h"

#include <future>

#include "sync/capture/change_stream.h"
#include "sync/mask/secret.h"

namespace rotv {

Applier::Counts StreamUntil(SourceSession& session, RowStore& store, const std::vector<StreamedTable>& tables,
                            Lsn target, proto::Manifest* manifest, const std::function<void()>& meanwhile) {
  const Context& context = session.context();
  StoreWriter writer(store);
  Lsn from(manifest->durable_lsn());
  Applier applier(tables, *manifest, writer, from, MaskSecretOf(context));
  std::unique_ptr<PgConnection> connection = session.TakeReplication();
  ChangeStream stream({.connection = *connection,
                       .applier = applier,
                       .writer = writer,
                       .manifest = *manifest,
                       .progress = context.progress,
                       .interrupt = context.interrupt,
                       .log_flush = [&] { return AskLogFlush(session.connection()); },
                       .flush_log = [&] { return FlushLog(session.connection()); }});
  context.progress.Begin("receiving changes", Progress::Unit::kBytes, BytesBetween(from, target));
  stream.ReceiveUntil(target);
  std::future<void> asked;
  if (meanwhile) asked = std::async(std::launch::async, meanwhile);
  stream.End();
  context.progress.End();
  if (meanwhile) asked.get();
  return applier.counts();
}

}  // namespace rotv
