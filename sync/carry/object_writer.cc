#include "sync/carry/object_writer.h"

#include <charconv>
#include <memory>
#include <set>

#include "storage/error.h"
#include "storage/row_key.h"
#include "sync/carry/carry_sql.h"
#include "sync/carry/row_walk.h"
#include "sync/formats/copy_text.h"

namespace rotv::carry {
namespace {

// A chunk is stored as (object, offset, bytes): "20001\t0\t\\x616263". An empty object has one chunk without bytes.
uint32_t ObjectOf(std::string_view line) {
  uint32_t oid = 0;
  const auto [end, problem] = std::from_chars(line.data(), line.data() + line.size(), oid);
  if (problem != std::errc() || end == line.data() + line.size() || *end != '\t') {
    throw Error(ErrorCode::kCorrupt, "the store holds a malformed chunk of a large object");
  }
  return oid;
}

std::string FirstChunk(uint32_t object) {
  std::string key;
  AppendIntegerKey(std::to_string(object), &key);
  AppendIntegerKey("0", &key);
  return key;
}

class ObjectWriter {
 public:
  ObjectWriter(const TablePair& pair, const TableWriter::Write& write, const Interrupt& interrupt)
      : pair_(pair), write_(write), interrupt_(interrupt) {}

  // Returns the number of chunks that differ.
  uint64_t Run(std::set<uint32_t>* remade) {
    uint64_t chunks = 0;
    WalkAll(
        pair_.from, pair_.to,
        [&](const auto& before, const auto& after) {
          changed_.insert(ObjectOf(after ? *after : *before));
          ++chunks;
          return true;
        },
        interrupt_);
    if (changed_.empty()) return 0;
    WriteObjectList(remade);
    write_("COPY pg_temp.rotv_page FROM stdin;\n");
    for (uint32_t object : changed_) WriteChunks(object);
    write_("\\.\n");
    return chunks;
  }

 private:
  void WriteObjectList(std::set<uint32_t>* remade) {
    constexpr auto kSomeRows = ScanRequest::Access::kSomeRows;
    const std::unique_ptr<RowScan> before = ScanState(pair_.from, "", kSomeRows);
    const std::unique_ptr<RowScan> after = ScanState(pair_.to, "", kSomeRows);
    write_("COPY pg_temp.rotv_object FROM stdin;\n");
    for (uint32_t object : changed_) {
      const std::string key = FirstChunk(object);
      const bool was = before->Find(key) > 0;
      const bool is = after->Find(key) > 0;
      if (was != is) remade->insert(object);
      write_(CopyRow({std::to_string(object), was ? "t" : "f", is ? "t" : "f"}));
    }
    write_("\\.\n");
  }

  void WriteChunks(uint32_t object) {
    const std::unique_ptr<RowScan> chunks = ScanState(pair_.to, FirstChunk(object));
    while (chunks->Next() && ObjectOf(chunks->line()) == object) {
      interrupt_.Check();
      write_(chunks->line());
      write_("\n");
    }
  }

  const TablePair& pair_;
  const TableWriter::Write& write_;
  const Interrupt& interrupt_;
  std::set<uint32_t> changed_;
};

std::optional<std::string> CommentOf(const std::map<uint32_t, std::string>& comments, uint32_t object) {
  const auto found = comments.find(object);
  if (found == comments.end()) return std::nullopt;
  return found->second;
}

// The objects whose comments are to be set or removed. The comment of an object that is removed goes with it, and one
// that is created has none.
std::set<uint32_t> ChangedComments(const CommentPair& comments, const std::set<uint32_t>& remade) {
  std::set<uint32_t> changed;
  for (const auto* side : {&comments.from, &comments.to}) {
    for (const auto& [object, text] : *side) {
      const std::optional<std::string> wanted = CommentOf(comments.to, object);
      const bool differs = remade.count(object) > 0 ? wanted.has_value() : wanted != CommentOf(comments.from, object);
      if (differs) changed.insert(object);
    }
  }
  return changed;
}

}  // namespace

uint64_t WriteObjects(const std::optional<TablePair>& pair, const CommentPair& comments,
                      const TableWriter::Write& write, const Interrupt& interrupt) {
  uint64_t changes = 0;
  std::set<uint32_t> remade;  // Created or removed.
  if (pair) changes = ObjectWriter(*pair, write, interrupt).Run(&remade);
  const std::set<uint32_t> changed = ChangedComments(comments, remade);
  if (!changed.empty()) {
    write("COPY pg_temp.rotv_comment FROM stdin;\n");
    for (uint32_t object : changed) {
      const std::optional<std::string> text = CommentOf(comments.to, object);
      std::string row = std::to_string(object) + "\t";
      if (text) {
        formats::AppendCopyEscaped(*text, &row);
      } else {
        row += formats::kCopyNull;
      }
      write(row + "\n");
    }
    write("\\.\n");
  }
  changes += changed.size();
  if (changes > 0) write("CALL pg_temp.rotv_change_objects();\n");
  return changes;
}

}  // namespace rotv::carry
