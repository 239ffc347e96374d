// A canonical form is its own canonical form; the sections of a dump are all of it except the \restrict lines.

#include <cstddef>
#include <cstdint>
#include <string>

#include "storage/error.h"
#include "sync/formats/dump_sections.h"
#include "tests/fuzz/fuzz_check.h"

namespace rotv {
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

}  // namespace
}  // namespace rotv

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  rotv::CheckCanonical(text);
  std::string_view objects = text.substr(0, size / 2);
  std::string_view post_objects = text.substr(size / 2);
  rotv::CheckSplit(std::string(objects), std::string(post_objects));
  rotv::CheckSplit(rotv::Dump(objects), rotv::Dump(post_objects));
  rotv::CheckSplit(rotv::Dump(text), rotv::Dump(post_objects));
  // A suffix is always found.
  rotv::FuzzCheck(rotv::SplitDump(rotv::Dump(text), rotv::Dump(text)).post_data.size() >= size);
  return 0;
}
