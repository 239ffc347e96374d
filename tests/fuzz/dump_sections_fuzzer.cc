// A canonical form is its own canonical form; the sections of a dump are all of it except the \restrict lines; its
// clean part lies within it, and making it importable removes nothing.

#include <cstddef>
#include <cstdint>
#include <string>

#include "storage/error.h"
#include "sync/formats/clean_part.h"
#include "sync/formats/dump_sections.h"
#include "sync/formats/not_valid_keys.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::formats {
namespace {

void CheckCanonical(std::string_view dump) {
  std::string canonical = CanonicalDump(dump);
  FuzzCheck(CanonicalDump(canonical) == canonical);
  FuzzCheck(canonical.size() <= dump.size() + 1);
}

// Random text is hardly ever a dump, so it becomes the body of one.
std::string Dump(std::string_view objects) {
  return "--\n-- PostgreSQL database dump\n--\n\n\\restrict K\n\nSET row_security = off;\n\n" + std::string(objects) +
         "\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict K\n\n";
}

void CheckSplit(const std::string& all, const std::string& post) {
  try {
    DumpSections sections = SplitDump(all, post);
    FuzzCheck(sections.pre_data.size() + sections.post_data.size() <= all.size());
    FuzzCheck(sections.post_data.size() <= post.size());
    FuzzCheck(all.find(sections.post_data) != std::string::npos);
  } catch (const Error& error) {
    FuzzCheck(error.code() == ErrorCode::kProtocol);
  }
}

void CheckSplitByKinds(const std::string& all) {
  try {
    const std::optional<DumpSections> sections = SplitDumpByKinds(all);
    if (sections) FuzzCheck(sections->pre_data.size() + sections->post_data.size() <= all.size());
  } catch (const Error& error) {
    FuzzCheck(error.code() == ErrorCode::kProtocol);
  }
}

void CheckCleanPart(const std::string& dump) {
  const CleanPart part = FindCleanPart(dump);
  FuzzCheck(part.begin <= part.end && part.end <= dump.size());
  const std::string_view statements = std::string_view(dump).substr(part.begin, part.end - part.begin);
  const std::string importable = ImportableCleanPart(statements, PartitionedTables(dump, true));
  FuzzCheck(importable.size() >= statements.size());
  FuzzCheck(WithoutCleanPart(dump).size() <= dump.size() - statements.size());
  FuzzCheck(WithNotValidKeys(dump, {{"public", "t", "k"}}, true).size() >= dump.size());
}

void CheckDump(std::string_view text) {
  CheckCanonical(text);
  CheckCleanPart(std::string(text));
  CheckCleanPart(Dump(text));
  const std::string_view objects = text.substr(0, text.size() / 2);
  const std::string_view post_objects = text.substr(text.size() / 2);
  CheckSplit(std::string(objects), std::string(post_objects));
  CheckSplit(Dump(objects), Dump(post_objects));
  CheckSplit(Dump(text), Dump(post_objects));
  CheckSplitByKinds(std::string(text));
  CheckSplitByKinds(Dump(text));
  // A suffix is always found.
  FuzzCheck(SplitDump(Dump(text), Dump(text)).post_data.size() >= text.size());
}

}  // namespace
}  // namespace rotv::formats

ROTV_FUZZ_TARGET(dump_sections, rotv::formats::CheckDump)
