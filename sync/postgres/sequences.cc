#include "sync/postgres/sequences.h"

#include <fmt/format.h>

namespace rotv::postgres {

std::vector<std::string> SequenceStatements(const proto::SchemaVersion& schema) {
  // pg_sequence_last_value() is NULL after setval(…, false), so the sequence's own row is read.
  constexpr int kPerStatement = 500;
  std::vector<std::string> statements;
  for (int i = 0; i < schema.sequences_size(); ++i) {
    const proto::Sequence& sequence = schema.sequences(i);
    if (i % kPerStatement == 0) statements.emplace_back();
    if (!statements.back().empty()) statements.back() += " UNION ALL ";
    statements.back() += fmt::format("SELECT {}, last_value, is_called FROM {}", sequence.id(), sequence.quoted_name());
  }
  return statements;
}

proto::SequenceValues ParseSequences(std::span<const PgResult> results) {
  proto::SequenceValues values;
  for (const PgResult& result : results) {
    for (int row = 0; row < result.rows(); ++row) {
      proto::SequenceValue* value = values.add_values();
      value->set_id(result.Oid(row, 0));
      value->set_last_value(result.Int(row, 1));
      value->set_is_called(result.Bool(row, 2));
    }
  }
  return values;
}

}  // namespace rotv::postgres
