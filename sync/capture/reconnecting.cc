#include "sync/capture/reconnecting.h"

#include <future>
#include <memory>

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

void ReconnectingSessions::Make(const std::function<void(postgres::SourceSession& session)>& work) {
  using postgres::SourceSession;
  const bool first = retry_.retries() == 0;
  SourceSession session(context_, workspace_.RunDirectory(), connections_,
                        first ? SourceSession::Warnings::kSay : SourceSession::Warnings::kKeep);
  retry_.Reached();
  // Notes what the next attempt needs to know, also while an exception is on its way. The session ends then, too: on a
  // link that is dead, it ends in good time only during an exception.
  struct End {
    ReconnectingSessions& sessions;
    SourceSession& session;
    ~End() {
      sessions.former_sessions_.push_back(session.application_name());
      sessions.wire_bytes_ += session.link().BytesReceived();
    }
  };
  const End end{*this, session};
  for (const std::string& name : former_sessions_) session.EndFormer(name);
  former_sessions_.clear();
  work(session);
}

namespace {

class Attempts {
 public:
  Attempts(Workspace& workspace, const Context& context, LinkRetry& retry)
      : workspace_(workspace),
        retry_(retry),
        sessions_(workspace, context, retry, postgres::SourceSession::Connections::kAlsoReplication) {}

  void Make(const std::function<void(postgres::SourceSession& session, RowStore& store)>& work) {
    // The store is opened while the link is opened.
    std::future<std::unique_ptr<RowStore>> opening = std::async(std::launch::async, [this] {
      return RowStore::Open(workspace_.CurrentStorePath(), RowStore::Mode::kReadWrite);
    });
    sessions_.Make([&](postgres::SourceSession& session) {
      postgres::RequirePrimary(session);
      postgres::RemoveAndTellLeftovers(session, workspace_);
      const std::unique_ptr<RowStore> store = opening.get();
      const StoresEnd stores_end{*this, *store};
      NoteProgress(store->state().durable_lsn());
      work(session, *store);
    });
  }

  uint64_t wire_bytes() const { return sessions_.wire_bytes(); }

 private:
  // Notes how far the attempt came, also while an exception is on its way.
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
  LinkRetry& retry_;
  ReconnectingSessions sessions_;
  Lsn durable_lsn_;
};

// Calls `attempt` until it does not throw a LinkError.
template <typename Attempt>
void Repeat(LinkRetry& retry, const Attempt& attempt) {
  for (;;) {
    try {
      return attempt();
    } catch (const LinkError& error) {
      retry.Wait(error);
    }
  }
}

}  // namespace

void RunReconnecting(Workspace& workspace, const Context& context, LinkRetry& retry,
                     const std::function<void(postgres::SourceSession& session)>& work) {
  ReconnectingSessions sessions(workspace, context, retry);
  Repeat(retry, [&] { sessions.Make(work); });
}

uint64_t RunReconnecting(Workspace& workspace, const Context& context, LinkRetry& retry,
                         const std::function<void(postgres::SourceSession& session, RowStore& store)>& work) {
  Attempts attempts(workspace, context, retry);
  Repeat(retry, [&] { attempts.Make(work); });
  return attempts.wire_bytes();
}

}  // namespace rotv::capture
