// Connection and the quoting of postgres_server.h.

#include <memory>
#include <stdexcept>

#include "fmt/format.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {
namespace {

using ResultHandle = std::unique_ptr<PGresult, decltype(&PQclear)>;

void Check(const PGconn* connection, const PGresult* result, const std::string& sql) {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY ||
      status == PGRES_COPY_IN) {
    return;
  }
  throw std::runtime_error(fmt::format("{}in: {}", PQerrorMessage(connection), sql.substr(0, 1000)));
}

Rows ToRows(const PGresult* result) {
  Rows rows(static_cast<size_t>(PQntuples(result)));
  for (int r = 0; r < PQntuples(result); ++r) {
    Row& row = rows[static_cast<size_t>(r)];
    for (int c = 0; c < PQnfields(result); ++c) {
      if (PQgetisnull(result, r, c) != 0) {
        row.emplace_back();
      } else {
        row.emplace_back(std::string(PQgetvalue(result, r, c), static_cast<size_t>(PQgetlength(result, r, c))));
      }
    }
  }
  return rows;
}

}  // namespace

Connection::Connection(const std::string& conninfo) : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw std::runtime_error(fmt::format("cannot connect: {}", PQerrorMessage(connection_.get())));
  }
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
}

void Connection::Exec(const std::string& sql) { Query(sql); }

Rows Connection::Query(const std::string& sql) {
  const ResultHandle result(PQexec(connection_.get(), sql.c_str()), &PQclear);
  Check(connection_.get(), result.get(), sql);
  return ToRows(result.get());
}

std::string Connection::Value(const std::string& sql) {
  const Rows rows = Query(sql);
  if (rows.size() != 1 || rows[0].size() != 1 || !rows[0][0]) {
    throw std::runtime_error("not one value: " + sql);
  }
  return *rows[0][0];
}

void Connection::CopyIn(const std::string& copy_sql, std::string_view data) {
  Exec(copy_sql);
  constexpr size_t kSent = size_t{1} << 20;
  for (size_t offset = 0; offset < data.size(); offset += kSent) {
    const std::string_view piece = data.substr(offset, kSent);
    if (PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size())) != 1) break;
  }
  PQputCopyEnd(connection_.get(), nullptr);
  Finish();
}

void Connection::Send(const std::string& sql) {
  if (PQsendQuery(connection_.get(), sql.c_str()) != 1) {
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  }
}

bool Connection::Ready() {
  PQconsumeInput(connection_.get());
  return PQisBusy(connection_.get()) == 0;
}

Rows Connection::Finish() {
  Rows rows;
  std::string error;
  while (PGresult* next = PQgetResult(connection_.get())) {
    const ResultHandle result(next, &PQclear);
    try {
      Check(connection_.get(), result.get(), "statements sent earlier");
      rows = ToRows(result.get());
    } catch (const std::runtime_error& e) {
      error = e.what();
    }
  }
  if (!error.empty()) throw std::runtime_error(error);
  return rows;
}

void Connection::Cancel() {
  const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> cancel(PQgetCancel(connection_.get()), &PQfreeCancel);
  char error[256];
  if (PQcancel(cancel.get(), error, sizeof error) != 1) throw std::runtime_error(error);
}

std::string SqlLiteral(std::string_view text) {
  std::string literal = "'";
  for (const char c : text) {
    if (c == '\'') literal += '\'';
    literal += c;
  }
  return literal + "'";
}

std::string SqlName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace rotv::testing
