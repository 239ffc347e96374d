// Any bytes are either a whole message, all of whose text is within them, or a protocol error.

#include <cstddef>
#include <cstdint>

#include "storage/error.h"
#include "sync/formats/pgoutput.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::formats::pgoutput {
namespace {

// Reads all text, so that AddressSanitizer notices a view that points elsewhere.
struct Checker {
  void Check(std::string_view text) {
    FuzzCheck(text.empty() ||
              (text.data() >= bytes.data() && text.data() + text.size() <= bytes.data() + bytes.size()));
  }
  void Check(const Tuple& tuple) {
    for (const Column& column : tuple) {
      FuzzCheck(column.kind == Column::Kind::kText || column.text.empty());
      Check(column.text);
    }
  }

  void operator()(const Begin&) {}
  void operator()(const Commit&) {}
  void operator()(const Origin& origin) { Check(origin.name); }
  void operator()(const Relation& relation) {
    Check(relation.schema);
    Check(relation.name);
    for (const RelationColumn& column : relation.columns) Check(column.name);
  }
  void operator()(const Type& type) {
    Check(type.schema);
    Check(type.name);
  }
  void operator()(const LogicalMessage& message) {
    Check(message.prefix);
    Check(message.content);
  }
  void operator()(const Insert& insert) { Check(insert.row); }
  void operator()(const Update& update) {
    if (update.old_row) Check(update.old_row->row);
    Check(update.row);
  }
  void operator()(const Delete& deletion) { Check(deletion.old_row.row); }
  void operator()(const Truncate& truncate) { FuzzCheck(truncate.relation_oids.size() * 4 <= bytes.size()); }

  std::string_view bytes;
};

void CheckMessage(std::string_view bytes) {
  AcceptedOr(ErrorCode::kProtocol, [&] { std::visit(Checker{bytes}, Decode(bytes)); });
}

}  // namespace
}  // namespace rotv::formats::pgoutput

ROTV_FUZZ_TARGET(pgoutput, rotv::formats::pgoutput::CheckMessage)
