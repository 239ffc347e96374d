#include "sync/sequences.h"

#include <fmt/format.h>

namespace rotv {

proto::SequenceValues ReadSequences(PgConnection& connection, const proto::SchemaVersion& schema) {
  // pg_sequence_last_value() is NULL after setval(…, false); the sequence's own row is not.
  constexpr int kPerStatement = 500;
  proto::SequenceValues values;
  for (int from = 0; from < schema.sequences_size(); from += kPerStatement) {
    std::string sql;
    for (int i = from; i < schema.sequences_size() && i < from + kPerStatement; ++i) {
      const proto::Sequence& sequence = schema.sequences(i);
      sql += fmt::format("{}SELECT {}, last_value, is_called FROM {}", sql.empty() ? "" : " UNION ALL ", sequence.id(),
                         sequence.quoted_name());
    }
    PgResult rows = connection.Query(sql);
    for (int row = 0; row < rows.rows(); ++row) {
      proto::SequenceValue* value = values.add_values();
      value->set_id(rows.Oid(row, 0));
      value->set_last_value(rows.Int(row, 1));
      value->set_is_called(rows.Bool(row, 2));
    }
  }
  return values;
}

}  // namespace rotv
