#include "cli/launch/largest_tables.h"

#include <fmt/format.h>
#include <sodium.h>

#include <chrono>
#include <sstream>
#include <string_view>

#include "os/run_program.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

constexpr std::chrono::milliseconds kPollEnd{5};

// The statement is a fixed text that finds and counts the tables on the server. Names of tables are never in psql's
// command line, and only hex-encoded in its output: a name may contain line feeds, and psql takes a line that begins
// with a backslash for a meta-command.
constexpr const char* kOurSettings =  // The database may have those of the source's.
    "SET default_transaction_read_only = off; SET statement_timeout = 0; SET lock_timeout = 0;"
    // The other processors are the application's, which starts meanwhile.
    "SET max_parallel_workers_per_gather = 0";
constexpr const char* kRowsOf = R"(
SET search_path = pg_catalog;
CREATE FUNCTION pg_temp.rows_of(name regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE counted bigint;
BEGIN
  -- After an import what its last index has counted is what all sessions have written, and nothing was estimated since.
  SELECT reltuples INTO counted FROM pg_class
  WHERE oid = name AND NOT relhassubclass AND reltuples BETWEEN 1 AND 1 << 24 AND reltuples = pg_stat_get_live_tuples(oid)
    AND pg_stat_get_vacuum_count(oid) + pg_stat_get_autovacuum_count(oid) + pg_stat_get_analyze_count(oid)
        + pg_stat_get_autoanalyze_count(oid) = 0;
  IF FOUND THEN
    RETURN counted;
  END IF;
  EXECUTE format('SELECT count(*) FROM %s', name) INTO counted;
  RETURN counted;
END $$)";
constexpr const char* kLargestTables = R"(
SELECT encode(convert_to(shown, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END), 'hex'),
       {}
FROM (SELECT c.oid, c.reltuples, CASE n.nspname WHEN 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END
                    || quote_ident(c.relname) AS shown
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
      ORDER BY pg_table_size(c.oid) DESC, c.oid LIMIT 5) AS largest
WHERE {})";

std::string SelectLargest(CountRows how) {
  return how == CountRows::kExactly ? fmt::format(kLargestTables, "pg_temp.rows_of(oid)", "true")
                                    : fmt::format(kLargestTables, "reltuples::bigint", "reltuples >= 0");
}

std::string FromHex(std::string_view digits) {
  std::string bytes(digits.size() / 2, '\0');
  size_t length = 0;
  sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), digits.data(), digits.size(), nullptr,
                 &length, nullptr);
  bytes.resize(length);
  return bytes;
}

}  // namespace

LargestTables::LargestTables(const Runtime& runtime, CountRows how) : how_(how) {
  std::vector<std::string> words = runtime.PsqlCommand(
      {"-XAtq", "-F", " ", "-v", "ON_ERROR_STOP=1", "-c", kOurSettings, "-c", kRowsOf, "-c", SelectLargest(how)},
      false);
  thread_ = std::thread([this, words = std::move(words)] { Count(words); });
}

LargestTables::~LargestTables() {
  stop_.Request();
  if (thread_.joinable()) thread_.join();
}

void LargestTables::Count(const std::vector<std::string>& words) {
  try {
    const os::ProgramResult answer = os::RunProgramQuietly(words, stop_);
    if (answer.exit_status != 0) {
      throw Error(ErrorCode::kCannotStart,
                  fmt::format("the rows of the largest tables cannot be counted: {}", os::LastLine(answer.err)),
                  "rotv logs");
    }
    std::istringstream lines(answer.out);
    uint64_t rows = 0;
    for (std::string name; lines >> name >> rows;) {
      tables_.push_back({.name = FromHex(name), .rows = rows, .exact = how_ == CountRows::kExactly});
    }
  } catch (...) {
    failure_ = std::current_exception();
  }
  ended_ = true;
}

std::vector<TableCount> LargestTables::Take(const Interrupt& interrupt) {
  while (!ended_) {
    interrupt.Check();
    std::this_thread::sleep_for(kPollEnd);
  }
  thread_.join();
  if (failure_) std::rethrow_exception(failure_);
  return std::move(tables_);
}

}  // namespace rotv::launch
