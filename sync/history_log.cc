#include "sync/history_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "os/clock.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/capture/reconnecting.h"
#include "sync/context/link_retry.h"
#include "sync/context/open_workspace.h"
#include "sync/context/pause.h"
#include "sync/gc.h"
#include "sync/history/point.h"
#include "sync/history/point_time.h"
#include "sync/keep_following.h"
#include "sync/postgres/source_session.h"
#include "sync/pull.h"

namespace rotv {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenPulls{1'000};

milliseconds Between(const LogRequest& request, milliseconds otherwise) {
  return request.interval_s == 0 ? otherwise : milliseconds(1'000 * request.interval_s);
}

class LogReader {
 public:
  LogReader(const RowStore& store, const LogRequest& request) : store_(&store), wanted_(request.table) {
    LearnNames(store.SchemaAt(Lsn(store.manifest().head_lsn())));
    if (!request.since.empty()) ReadSince(request.since);
  }

  // Goes on with the same store, opened again.
  void Use(const RowStore& store) { store_ = &store; }

  // Visits what the store has now and was not visited yet. Returns false if no more is wanted.
  bool Visit(const VisitTransaction& visit) {
    bool more = true;
    store_->VisitLog(next_, [&](const proto::Transaction& transaction) {
      // The pieces of a large transaction follow each other.
      AddPiece(transaction);
      if (transaction.continued()) return true;
      next_ = Lsn(transaction.commit_lsn() + 1);
      LoggedTransaction whole = std::move(whole_);
      whole_ = {};
      if (whole.time_us < since_us_ || !IsWanted(whole)) return true;
      more = visit(whole);
      return more;
    });
    return more;
  }

  // Throws kUsage if the requested table exists nowhere in the history.
  void CheckTable() const {
    if (wanted_.empty()) return;
    for (const auto& [id, table] : names_) {
      if (table.quoted == wanted_ || table.plain == wanted_) return;
    }
    throw Error(ErrorCode::kUsage, fmt::format("there is no table {}", wanted_),
                "name it as rotv-sync status -v does, with its schema if that is not public");
  }

 private:
  struct Name {
    std::string quoted;
    std::string plain;
  };

  void ReadSince(const std::string& since) {
    if (std::optional<history::Point> named = history::FindNamed(*store_, since)) {
      next_ = named->lsn;
    } else if (std::optional<Lsn> lsn = Lsn::Parse(since)) {
      next_ = *lsn;
    } else if (std::optional<history::PointTime> time = history::ParsePointTime(since, os::NowMicroseconds())) {
      since_us_ = time->from_us;
    } else {
      next_ = history::PointAt(*store_, since).lsn;  // This throws the error that names what there is.
    }
  }

  void LearnNames(const proto::SchemaVersion& schema) {
    for (const proto::Table& table : schema.tables())
      names_.emplace(table.id(), Name{table.quoted_name(), table.name()});
  }

  // Dropped tables have their last name.
  const Name& NameOf(TableId table, Lsn lsn) {
    auto found = names_.find(table);
    if (found != names_.end()) return found->second;
    LearnNames(store_->SchemaAt(lsn));
    return names_.emplace(table, Name{fmt::format("table {}", table), ""}).first->second;
  }

  void AddPiece(const proto::Transaction& piece) {
    whole_.lsn = Lsn(piece.commit_lsn());
    whole_.time_us = piece.commit_time_us();
    whole_.xid = piece.xid();
    for (const proto::TableChanges& changes : piece.changes()) {
      const std::string& name = NameOf(changes.table(), whole_.lsn).quoted;
      auto table = std::find_if(whole_.tables.begin(), whole_.tables.end(),
                                [&](const auto& known) { return known.name == name; });
      if (table == whole_.tables.end()) table = whole_.tables.insert(table, {.name = name});
      table->inserted += changes.inserted();
      table->updated += changes.updated();
      table->deleted += changes.deleted();
      table->truncated = table->truncated || changes.truncated();
    }
  }

  bool IsWanted(const LoggedTransaction& transaction) const {
    if (wanted_.empty()) return true;
    for (const LoggedTransaction::Table& table : transaction.tables) {
      if (table.name == wanted_) return true;
      for (const auto& [id, name] : names_) {
        if (name.plain == wanted_ && name.quoted == table.name) return true;
      }
    }
    return false;
  }

  const RowStore* store_;
  const std::string wanted_;
  Lsn next_;
  int64_t since_us_ = INT64_MIN;
  std::map<TableId, Name> names_;
  LoggedTransaction whole_;
};

// Visits the transactions that are stored now: all, or the last ones. Returns false if no more is wanted.
bool VisitStored(LogReader& reader, const LogRequest& request, const VisitTransaction& visit) {
  if (request.last == 0) {
    bool more = reader.Visit(visit);
    reader.CheckTable();
    return more;
  }
  std::deque<LoggedTransaction> last;
  reader.Visit([&](const LoggedTransaction& transaction) {
    last.push_back(transaction);
    if (last.size() > request.last) last.pop_front();
    return true;
  });
  reader.CheckTable();
  for (const LoggedTransaction& transaction : last) {
    if (!visit(transaction)) return false;
  }
  return true;
}

// Follows a remote as long as more is wanted. No lock is held between two pulls.
class RemoteLog {
 public:
  RemoteLog(const Context& context, const LogRequest& request) : context_(context), request_(request) {}

  void Follow(const VisitTransaction& visit) {
    std::optional<LogReader> reader;
    KeepFollowing(context_, {.interval_s = request_.interval_s,
                             .took = [&](const FollowResult&) { return VisitNew(&reader, visit); }});
  }

 private:
  bool VisitNew(std::optional<LogReader>* reader, const VisitTransaction& visit) {
    const Workspace workspace = OpenWorkspace(context_, "log", Access::kRead);
    const std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
    if (*reader) {
      (*reader)->Use(*store);
      return (*reader)->Visit(visit);
    }
    reader->emplace(*store, request_);
    return VisitStored(**reader, request_, visit);
  }

  const Context& context_;
  const LogRequest& request_;
};

}  // namespace

void ReadLog(const Context& context, const LogRequest& request, const VisitTransaction& visit) {
  Workspace workspace = OpenWorkspace(context, "log", Access::kRead);
  std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
  LogReader reader(*store, request);
  VisitStored(reader, request, visit);
}

void FollowLog(const Context& context, const LogRequest& request, const VisitTransaction& visit) {
  if (!context.source.remote.empty()) return RemoteLog(context, request).Follow(visit);
  Workspace workspace = OpenWorkspace(context, "log --follow");
  std::optional<LogReader> reader;
  {
    const std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
    reader.emplace(*store, request);
    if (!VisitStored(*reader, request, visit)) return;
  }
  LinkRetry retry(context);
  capture::RunReconnecting(workspace, context, retry, [&](postgres::SourceSession& session, RowStore& store) {
    reader->Use(store);
    while (true) {
      Pull(session, store);
      retry.Progressed();
      if (!reader->Visit(visit)) return;
      CollectGarbageIfLarge(context, store);  // What it forgets of the log was shown.
      Pause(Between(request, kBetweenPulls), context.interrupt);
    }
  });
}

std::optional<int64_t> ParseTime(const std::string& text, int64_t now_us) {
  const std::optional<history::PointTime> time = history::ParsePointTime(text, now_us);
  return time ? std::optional(time->from_us) : std::nullopt;
}

}  // namespace rotv
