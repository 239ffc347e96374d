// Makes the rows on which a table's constraints are tried: a sample of the source's rows, with masked values.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/mask/keyed_hash.h"
#include "sync/mask/masker.h"
#include "sync/postgres/catalog.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::mask {

constexpr int kProbeTimeoutMs = 3000;  // Limits one query: an expression may take as long as its author likes.

// A table and its columns by their numbers. Refers to the catalogue.
struct MaskedTable {
  explicit MaskedTable(const postgres::CatalogTable& described);

  std::string NameOf(int number) const;  // "public.users.email"

  const postgres::CatalogTable& table;
  std::map<int, const postgres::CatalogColumn*> columns;
  std::map<int, const proto::MaskedColumn*> masked;
};

// True if the rule gives one value to every row, including rows that come later, and that value is the config's.
bool IsConstant(const proto::MaskedColumn& masked);

class ProbeRows {
 public:
  // All of these must outlive the object.
  ProbeRows(postgres::PgConnection& connection, const MaskSecret& secret, const MaskedTable& table)
      : connection_(connection), secret_(secret), table_(table) {}

  // Returns the masked values of these stored columns, of which at least one is masked, in the order of their numbers
  // and in the form of VALUES: "('a', NULL), ('b', '1')". It is empty if there is nothing to mask, and missing if the
  // source does not answer in time. Reads once for each set of columns; valid as long as this object.
  const std::optional<std::string>& Of(const std::set<int>& numbers);

  // Returns the value of a column for which IsConstant() holds.
  std::string Constant(int number) const;

 private:
  // A column that is in COPY's rows, and what masks it, if anything does.
  struct Column {
    std::string quoted_name;
    const proto::MaskedColumn* masked = nullptr;
    std::unique_ptr<const Masker> masker;
  };

  std::optional<std::string> Read(const std::set<int>& numbers);
  std::string Query(const std::vector<Column>& columns) const;
  void AddRow(const std::vector<Column>& columns, const postgres::PgResult* rows, int row, const std::string& more,
              std::string* made) const;

  postgres::PgConnection& connection_;
  const MaskSecret& secret_;
  const MaskedTable& table_;
  std::map<std::set<int>, std::optional<std::string>> made_;
};

}  // namespace rotv::mask
