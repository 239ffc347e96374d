#include "sync/capture/reconnecting.h"

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sync/postgres/owned_objects.h"
#include "sync/postgres/standby.h"

// Each attempt opens the store again. An attempt that broke may have written rows that it did not publish: parts of a
// transaction, or of a table's copy under an epoch number that the next attempt would use as well. They do harm if they
// are there when the same rows come again (RowStore's opening removes them after a kill, and here likewise).
//
// What the source still has of a broken session is ended by the next one. The server notices a client that is gone at
// once only if the network tells it; else its walsender holds the slot for wal_sender_timeout, which may be longer than
// anybody waits.

namespace rotv::capture {
namespace {

class Attempts {
 public:
  Attempts(Workspace& workspace, const Context& context, LinkRetry& retry)
      : workspace_(workspace), context_(context), retry_(retry) {}

  void Make(const std::function<void(postgres::SourceSession& session, RowStore& store)>& work) {
    // The store is opened while the link is opened.
    std::future<std::unique_ptr<RowStore>> opening = std::async(std::launch::async, [this] {
      return RowStore::Open(workspace_.CurrentStorePath(), RowStore::Mode::kReadWrite);
    });
    const bool first = retry_.retries() == 0;
    postgres::SourceSession session(
        context_, workspace_.RunDirectory(), postgres::SourceSession::Connections::kAlsoReplication,
        first ? postgres::SourceSession::Warnings::kSay : postgres::SourceSession::Warnings::kKeep);
    retry_.Reached();
    const SessionsEnd end{*this, session};
    for (const std::string& name : std::exchange(broken_sessions_, {})) session.EndFormer(name);
    postgres::RequirePrimary(session);
    postgres::RemoveAndTellLeftovers(session, workspace_);
    const std::unique_ptr<RowStore> store = opening.get();
    const StoresEnd stores_end{*this, *store};
    NoteProgress(store->state().durable_lsn());
    work(session, *store);
  }

  uint64_t wire_bytes() const { return wire_bytes_; }

 private:
  // These note what the next attempt needs to know, also while an exception is on its way. Session and store end then,
  // too: on a link that is dead, a session ends in good time only during an exception.
  struct SessionsEnd {
    Attempts& attempts;
    postgres::SourceSession& session;
    ~SessionsEnd() {
      attempts.broken_sessions_.push_back(session.application_name());
      attempts.wire_bytes_ += session.link().BytesReceived();
    }
  };
  struct StoresEnd {
    Attempts& attempts;
    RowStore& store;
    ~StoresEnd() { attempts.NoteProgress(store.state().durable_lsn()); }
  };

  void NoteProgress(Lsn durable_lsn) {
    if (durable_lsn > durable_lsn_ && durable_lsn_ != Lsn()) retry_.Progressed();
    durable_lsn_ = durable_lsn;
  }

  Workspace& workspace_;
  const Context& context_;
  LinkRetry& retry_;
  Lsn durable_lsn_;
  std::vector<std::string> broken_sessions_;
  uint64_t wire_bytes_ = 0;
};

}  // namespace

uint64_t RunReconnecting(Workspace& workspace, const Context& context, LinkRetry& retry,
                         const std::function<void(postgres::SourceSession& session, RowStore& store)>& work) {
  Attempts attempts(workspace, context, retry);
  for (;;) {
    try {
      attempts.Make(work);
      return attempts.wire_bytes();
    } catch (const LinkError& error) {
      retry.Wait(error);
    }
  }
}

}  // namespace rotv::capture
