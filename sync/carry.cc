#include "sync/carry.h"

#include <fcntl.h>

#include <optional>
#include <string_view>
#include <utility>

#include "storage/atomic_file.h"
#include "storage/handle.h"
#include "storage/row_store.h"
#include "storage/write_all.h"
#include "sync/carry/carry_writer.h"
#include "sync/carry/migration.h"
#include "sync/carry/schema_match.h"
#include "sync/context/open_workspace.h"

namespace rotv {
namespace {

// A file that only the next start needs: it is neither synced nor replaced in one step, since a part of it changes
// nothing (it commits in its last line). Without a Commit() it is removed.
class CarryFile {
 public:
  explicit CarryFile(std::filesystem::path path) : path_(std::move(path)) {
    WriteNewFile(path_, "");
    fd_ = OpenOrCreateFile(path_, O_WRONLY);
  }
  ~CarryFile() {
    std::error_code ignored;
    if (!complete_) std::filesystem::remove(path_, ignored);
  }
  CarryFile(const CarryFile&) = delete;
  CarryFile& operator=(const CarryFile&) = delete;

  void Write(std::string_view text) {
    waiting_.append(text);
    if (waiting_.size() >= kPieceBytes) Flush();
  }
  void Commit() {
    Flush();
    complete_ = true;
  }

 private:
  static constexpr size_t kPieceBytes = size_t{256} << 10;

  void Flush() {
    if (const int problem = WriteAll(fd_.get(), waiting_); problem != 0) ThrowDiskError("write", path_, problem);
    waiting_.clear();
  }

  const std::filesystem::path path_;
  FileDescriptor fd_;
  std::string waiting_;
  bool complete_ = false;
};

// Returns why the two states have no difference that is known; empty if they have.
std::string WhyUnknown(const RowStore& store, const history::ResolvedPoint& from, const history::ResolvedPoint& to) {
  if (from.baseline_lsn != to.baseline_lsn || from.baseline_time_us != to.baseline_time_us) {
    return "there is another baseline";
  }
  if (!history::HasState(store, from)) return "its state is no longer stored";
  if (!carry::LogReaches(store, from.lsn, to.lsn)) return "gc has removed the changes in between";
  return "";
}

}  // namespace

CarryResult WriteCarry(const Context& context, const CarryRequest& request) {
  const Workspace workspace = OpenWorkspace(context, "carry", Access::kRead);
  const history::PointInStore to = history::OpenPoint(workspace, request.to);
  CarryResult result{.to = history::Resolved(to), .why_not = {}};
  const RowStore& store = *to.store;
  result.why_not = WhyUnknown(store, request.from, result.to);
  if (!result.why_not.empty()) return result;
  const proto::SchemaVersion from_schema = store.SchemaAt(request.from.lsn);
  const proto::SchemaVersion to_schema = store.SchemaAt(result.to.lsn);
  result.why_not = carry::WhyNeverCarried(from_schema, to_schema);
  if (!result.why_not.empty()) return result;
  const carry::CarryEnds ends{
      .from = request.from.lsn, .to = result.to.lsn, .from_schema = from_schema, .to_schema = to_schema};
  std::optional<carry::Migration> migration;
  if (!carry::SameSchema(from_schema, to_schema)) {
    if (request.schema == CarryRequest::Schema::kMustBeTheSame) {
      result.why_not = "the schema changed, and the application's role is a superuser";
      return result;
    }
    migration = carry::PlanMigration(store, ends);
    result.why_not = migration->why_not;
    if (!result.why_not.empty()) return result;
  }

  context.progress.Begin("writing the changes", Progress::Unit::kRows, 0);
  CarryFile file(request.output);
  if (request.begun) request.begun(result.to);
  uint64_t bytes = 0;
  const auto write = [&](std::string_view text) {
    bytes += text.size();
    if (request.most_bytes > 0 && bytes > request.most_bytes) {
      result.too_large = true;
      throw Error(ErrorCode::kUsage, "too much has changed");
    }
    file.Write(text);
  };
  carry::CarryCounts counts;
  try {
    counts = carry::WriteCarryText(store, ends, migration ? &*migration : nullptr, write, context.progress,
                                   context.interrupt);
  } catch (const Error&) {
    if (!result.too_large) throw;
    context.progress.End();
    return result;
  }
  file.Commit();
  context.progress.End();
  result.migrated = migration.has_value();
  result.rows = counts.rows;
  result.tables = counts.tables;
  result.reloaded_rows = counts.reloaded_rows;
  result.bytes = counts.bytes;
  return result;
}

}  // namespace rotv
