#include "sync/mask_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "os/clock.h"
#include "os/temporary_directory.h"
#include "storage/epochs.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/context/open_workspace.h"
#include "sync/formats/copy_text.h"
#include "sync/mask/fit.h"
#include "sync/mask/mask_plan.h"
#include "sync/mask/row_filter.h"
#include "sync/mask/row_mask.h"
#include "sync/mask/row_sample.h"
#include "sync/mask/secret.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/source_session.h"
#include "sync/postgres/standby.h"
#include "sync/schema/follow.h"
#include "sync/schema/row_codec.h"
#include "sync/seed/seed_search.h"
#include "sync/seed/value_finder.h"
#include "sync/seed/version_search.h"

namespace rotv {

// A check of all values would be a second copy of the source, so a sample of the source's rows is compared with the
// store. Each sampled value is tested in two ways. Against its own row: the store must have exactly what the rule makes
// of it. And anywhere else: values of at least eight bytes are searched in every column without a rule, in every stored
// version and in the seeds, all in one pass (value_finder.h). Shorter values, and words that fake values are made of,
// occur elsewhere by chance, so they count only in their own row. In a masked column of an older state or a seed, a
// value that looks real may be a fake one of another row; there only values of rules whose fakes are recognisable are
// searched, and all others are compared by their row's key.

namespace {

// True for rules whose fake values consist of words that real people have, too.
bool IsMadeOfWords(const std::string& rule) {
  return rule == "name" || rule == "first_name" || rule == "last_name" || rule == "address" || rule == "constant";
}

// True for rules whose fake values may be the real values of other rows.
bool IsLikeReal(const std::string& rule) {
  return IsMadeOfWords(rule) || rule == "number" || rule == "date" || rule == "text" || rule == "phone" || rule == "ip";
}

class MaskCheck {
 public:
  MaskCheck(postgres::SourceSession& session, const RowStore& store)
      : context_(session.context()),
        session_(session),
        store_(store),
        lsn_(store.manifest().head_lsn()),
        schema_(store.SchemaAt(lsn_)),
        epochs_(EpochsAt(store.manifest(), lsn_)),
        secret_(mask::MaskSecretOf(context_)) {}

  MaskCheckResult Run() {
    const auto begin = std::chrono::steady_clock::now();
    result_.lsn = lsn_;
    context_.progress.Begin("comparing samples", Progress::Unit::kItems, 0);
    for (const proto::Table& table : schema_.tables()) {
      if (table.mask().columns_size() > 0 && schema::HasRows(table)) CompareSample(table);
    }
    context_.progress.End();
    if (result_.columns.empty()) {
      throw Error(ErrorCode::kUsage, fmt::format("no column of {} is masked", context_.source.name),
                  "write rules into [mask] of rotv.toml (rotv-sync mask suggest), then rotv-sync pull");
    }
    WarnOfMisfits();
    LookElsewhere();
    LookIntoThePast();
    LookIntoSeeds();
    result_.seconds = os::SecondsSince(begin);
    return std::move(result_);
  }

 private:
  // What has changed on the source since the last pull may be in the way of the next one, and of an import.
  void WarnOfMisfits() {
    try {
      const postgres::Catalog catalog =
          mask::ReadMaskedCatalog(session_.connection(), context_, mask::MaskLineage(schema_));
      mask::RequireFit(session_.connection(), context_, catalog, schema_);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUsage) throw;
      context_.progress.Warn(fmt::format("the next pull will be refused: {}", error.what()));
    }
  }

  std::unique_ptr<RowScan> Scan(const proto::Table& table, ScanRequest::Access access) const {
    return store_.ScanAt({.table = table.id(),
                          .epoch = EpochOf(epochs_, table, lsn_),
                          .lsn = lsn_,
                          .range = {},
                          .shape = table.shape(),
                          .access = access});
  }

  void CompareSample(const proto::Table& table) {
    const proto::Shape& shape = store_.shapes().Get(table.shape());
    const auto columns = static_cast<size_t>(shape.columns_size());
    mask::RowMask mask(table, shape, secret_);
    schema::RowCodec codec(table, shape);
    mask::RowFilter filter(table, shape);
    const mask::RowSample kept(table, secret_);
    std::unique_ptr<RowScan> stored = Scan(table, ScanRequest::Access::kSomeRows);
    std::vector<std::pair<size_t, size_t>> checked;  // Index in the shape, and in the result.
    for (int i = 0; i < shape.columns_size(); ++i) {
      const proto::MaskedColumn* masked = mask::MaskOf(table, shape.columns(i).number());
      if (masked == nullptr) continue;
      checked.emplace_back(static_cast<size_t>(i), result_.columns.size());
      result_.columns.push_back(
          {.column = fmt::format("{}.{}", table.quoted_name(), masked->name()), .rule = masked->rule().name()});
    }
    seed::SampledRows* sample = KnownRows(table, shape);
    std::vector<std::string_view> real, made, here;
    std::string key;
    for (const std::string& line : Sample(table)) {
      context_.interrupt.Check();
      if (filter.Line(line) != mask::RowFilter::Verdict::kYes) continue;
      const std::string masked(mask.Line(line));
      codec.KeyOfLine(masked, &key);
      if (!kept.Keeps(key)) continue;
      formats::SplitCopyLine(line, columns, &real);
      formats::SplitCopyLine(masked, columns, &made);
      here.clear();
      if (stored->Find(key) > 0) formats::SplitCopyLine(stored->line(), columns, &here);
      std::vector<seed::SampledRows::Value>* row = sample == nullptr ? nullptr : &sample->rows[KeyOf(table, real)];
      for (const auto& [index, at] : checked) {
        if (real[index] == formats::kCopyNull) continue;
        MaskedColumnCheck& column = result_.columns[at];
        ++column.sampled;
        Remember(real[index], made[index], at);
        if (row != nullptr && real[index] != made[index]) {
          row->push_back(
              {.column = shape.columns(static_cast<int>(index)).name(), .text = std::string(real[index]), .owner = at});
        }
        if (here.empty()) continue;
        column.masked += here[index] == made[index];
        column.unmasked += here[index] == real[index] && real[index] != made[index];
      }
    }
  }

  std::vector<std::string> Sample(const proto::Table& table) {
    const std::string& columns = table.copy_columns();
    postgres::PgConnection& connection = session_.connection();
    const postgres::PgOutcome start = connection.StartCopyOut(
        fmt::format("COPY (SELECT {} FROM ONLY {}{} LIMIT {}) TO STDOUT", columns.substr(1, columns.size() - 2),
                    table.quoted_name(), table.filter(), kMaskCheckRows));
    if (start.failure) connection.Throw(*start.failure);
    std::vector<std::string> lines;
    while (const std::optional<std::string_view> row = connection.CopyRow())
      lines.emplace_back(row->substr(0, row->size() - 1));
    if (const std::optional<postgres::PgFailure> failure = connection.FinishCopy()) connection.Throw(*failure);
    return lines;
  }

  void Remember(std::string_view real, std::string_view made, size_t column) {
    if (real.size() < seed::ValueFinder::kShortest || real == made || IsMadeOfWords(result_.columns[column].rule))
      return;
    if (known_.emplace(real).second) finder_.Add(real, column);
  }

  // Returns the rows for the search of seeds, in which a row has the same key; null if the key is masked, or there is
  // none.
  seed::SampledRows* KnownRows(const proto::Table& table, const proto::Shape& shape) {
    if (table.key_columns().empty()) return nullptr;
    std::vector<std::string> key;
    for (uint32_t column : table.key_columns()) {
      const proto::Column& of_key = shape.columns(static_cast<int>(column));
      if (mask::MaskOf(table, of_key.number()) != nullptr) return nullptr;
      key.push_back(of_key.name());
    }
    seed::SampledRows& sample = rows_[table.quoted_name()];
    sample.key = std::move(key);
    return &sample;
  }

  static std::string KeyOf(const proto::Table& table, const std::vector<std::string_view>& fields) {
    std::string key;
    for (uint32_t column : table.key_columns()) key.append(fields[column]).push_back('\t');
    return key;
  }

  // Searches every column that has no rule.
  void LookElsewhere() {
    std::map<std::pair<size_t, std::string>, uint64_t> found;
    context_.progress.Begin("searching rows", Progress::Unit::kRows, 0);
    for (const proto::Table& table : schema_.tables()) {
      if (!schema::HasRows(table) || epochs_.count(table.id()) == 0) continue;
      const proto::Shape& shape = store_.shapes().Get(table.shape());
      std::set<uint32_t> masked;
      for (const proto::MaskedColumn& column : table.mask().columns()) masked.insert(column.number());
      std::vector<std::string_view> fields;
      for (std::unique_ptr<RowScan> rows = Scan(table, ScanRequest::Access::kAllRows); rows->Next();) {
        if (++result_.rows % kRowsBetweenLooks == 0) {
          context_.interrupt.Check();
          context_.progress.Update(result_.rows);
        }
        formats::SplitCopyLine(rows->line(), static_cast<size_t>(shape.columns_size()), &fields);
        for (int i = 0; i < shape.columns_size(); ++i) {
          if (masked.count(shape.columns(i).number()) != 0) continue;
          std::set<size_t> owners;  // Each owner counts once for each row.
          finder_.Find(fields[static_cast<size_t>(i)], [&](size_t owner) { owners.insert(owner); });
          for (size_t owner : owners) {
            ++found[{owner, fmt::format("{}.{}", table.quoted_name(), shape.columns(i).name())}];
          }
        }
      }
    }
    context_.progress.End();
    for (const auto& [where, rows] : found) {
      result_.leaks.push_back({.column = result_.columns[where.first].column, .found_in = where.second, .rows = rows});
    }
  }

  // Returns for each owner whether its rule never makes a value that some other row really had.
  std::vector<bool> Unlike() const {
    std::vector<bool> unlike;
    for (const MaskedColumnCheck& column : result_.columns) unlike.push_back(!IsLikeReal(column.rule));
    return unlike;
  }

  void LookIntoThePast() {
    mask::MaskHistory history;
    for (Lsn lsn : store_.SchemaLsns()) history.Add(lsn, store_.SchemaAt(lsn));
    result_.lost = history.LostMasks();
    result_.carried_masks = mask::CarriedMasks(schema_.mask_record());
    const seed::VersionFinds finds = seed::SearchVersions({.store = store_,
                                                           .schema = schema_,
                                                           .history = history,
                                                           .finder = finder_,
                                                           .rows = rows_,
                                                           .unlike = Unlike(),
                                                           .progress = context_.progress,
                                                           .interrupt = context_.interrupt});
    result_.versions = finds.versions;
    for (const auto& [where, versions] : finds.found) {
      result_.leaks.push_back({.column = result_.columns[where.first].column,
                               .found_in = where.second + " in earlier states",
                               .rows = versions});
    }
  }

  void LookIntoSeeds() {
    const std::vector<bool> unlike = Unlike();
    for (const std::filesystem::path& seed :
         seed::SeedsOf(context_.home, context_.source.name, context_.source.is_default)) {
      context_.progress.Begin("searching " + seed.filename().native(), Progress::Unit::kItems, 0);
      const seed::SeedSearchRequest request{
          .schema = schema_, .finder = finder_, .rows = rows_, .unlike = unlike, .interrupt = context_.interrupt};
      for (const auto& [owner, lines] : seed::SearchSeed(seed, request)) {
        result_.leaks.push_back({.column = result_.columns[owner].column, .found_in = seed, .rows = lines});
      }
      context_.progress.End();
      result_.seeds.push_back(seed);
    }
  }

  static constexpr uint64_t kRowsBetweenLooks = 4096;

  const Context& context_;
  postgres::SourceSession& session_;
  const RowStore& store_;
  const Lsn lsn_;
  const proto::SchemaVersion schema_;
  const std::map<TableId, EpochNumber> epochs_;
  const mask::MaskSecret secret_;
  std::set<std::string, std::less<>> known_;
  seed::ValueFinder finder_;
  std::map<std::string, seed::SampledRows> rows_;  // By the quoted names of their tables.
  MaskCheckResult result_;
};

}  // namespace

bool MaskCheckResult::clean() const {
  return leaks.empty() && lost.empty() &&
         std::all_of(columns.begin(), columns.end(), [](const auto& column) { return column.unmasked == 0; });
}

MaskCheckResult CheckMasks(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "mask check", Access::kRead);
  const std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
  if (mask::MaskRulesChanged(store->manifest(), store->SchemaAt(Lsn(store->manifest().head_lsn())), context)) {
    throw Error(ErrorCode::kUsage, "the rows are stored under other rules, or another secret, than those of the config",
                "rotv-sync pull resyncs tables whose rules have changed; then check again");
  }
  const os::TemporaryDirectory sockets;  // The source's own is that of a run that writes.
  postgres::SourceSession session(context, sockets.path());
  postgres::RequirePrimary(session);
  return MaskCheck(session, *store).Run();
}

}  // namespace rotv
