#include "sync/sequences.h"

#include <fmt/format.h>

namespace rotv {

std::string SequencesSql(const proto::SchemaVersion& schema) {
  // pg_sequence_last_value() is NULL after setval(…, false); the sequence's own row is not.
  constexpr int kPerStatement = 500;
  std::string sql;
  for (int i = 0; i < schema.sequences_size(); ++i) {
    const proto::Sequence& sequence = schema.sequences(i);
    if (i != 0) sql += i % kPerStatement == 0 ? "; " : " UNION ALL ";
    sql += fmt::format("SELECT {}, last_value, is_called FROM {}", sequence.id(), sequence.quoted_name());
  }
  return sql.empty() ? sql : sql + ";";
}

proto::SequenceValues ParseSequences(const std::vector<PgResult>& results, size_t from) {
  proto::SequenceValues values;
  for (size_t i = from; i < results.size(); ++i) {
    for (int row = 0; row < results[i].rows(); ++row) {
      proto::SequenceValue* value = values.add_values();
      value->set_id(results[i].Oid(row, 0));
      value->set_last_value(results[i].Int(row, 1));
      value->set_is_called(results[i].Bool(row, 2));
    }
  }
  return values;
}

proto::SequenceValues ReadSequences(PgConnection& connection, const proto::SchemaVersion& schema) {
  std::string sql = SequencesSql(schema);
  return sql.empty() ? proto::SequenceValues() : ParseSequences(connection.QueryAll(sql), 0);
}

}  // namespace rotv
