// StatementBatch joins statements for one round trip, and finds the results of each part again. Pure.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

class StatementBatch {
 public:
  struct Place {
    size_t begin = 0;
    size_t count = 0;
    std::span<const PgResult> In(const std::vector<PgResult>& results) const {
      return std::span(results).subspan(begin, count);
    }
  };

  // Adds statements; each is exactly one, without a semicolon at its end. Returns the place of their results.
  Place Add(const std::vector<std::string>& statements) {
    for (const std::string& statement : statements) sql_ += statement + ";";
    Place place{size_, statements.size()};
    size_ += statements.size();
    return place;
  }

  const std::string& sql() const { return sql_; }

 private:
  std::string sql_;
  size_t size_ = 0;
};

}  // namespace rotv::postgres
