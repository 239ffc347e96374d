// Escaped text reads back unchanged; text that can be read at all is what COPY would have written.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "storage/error.h"
#include "sync/formats/copy_text.h"
#include "sync/formats/row_check.h"
#include "tests/fuzz/fuzz_check.h"

namespace rotv {
namespace {

void CheckAsText(std::string_view text) {
  std::string escaped;
  AppendCopyEscaped(text, &escaped);
  FuzzCheck(escaped.find_first_of("\b\f\n\r\t\v") == std::string::npos);
  FuzzCheck(escaped != kCopyNull && escaped != kCopyUnchanged);
  std::string scratch;
  FuzzCheck(UnescapeCopyField(escaped, &scratch) == text);
}

void CheckAsLine(std::string_view line) {
  size_t columns = static_cast<size_t>(std::count(line.begin(), line.end(), '\t')) + 1;
  std::vector<std::string_view> fields;
  SplitCopyLine(line, columns, &fields);
  std::string joined;
  for (std::string_view field : fields) {
    if (field.data() != line.data()) joined += '\t';
    joined += field;
  }
  FuzzCheck(joined == line);
  try {
    SplitCopyLine(line, columns + 1, &fields);
    FuzzCheck(false);
  } catch (const Error& error) {
    FuzzCheck(error.code() == ErrorCode::kProtocol);
  }
}

// A row is accepted if and only if COPY writes it for some text.
void CheckAsRow(std::string_view line) {
  size_t columns = static_cast<size_t>(std::count(line.begin(), line.end(), '\t')) + 1;
  const RowCheck check({.table = "t", .columns = columns, .encoding = TextEncoding::kOneByte});
  try {
    check.Line(line);
  } catch (const Error& error) {
    FuzzCheck(error.code() == ErrorCode::kProtocol);
    return;
  }
  std::vector<std::string_view> fields;
  SplitCopyLine(line, columns, &fields);
  std::string again, scratch;
  for (std::string_view field : fields) {
    if (field.data() != line.data()) again += '\t';
    if (field == kCopyNull) {
      again += field;
    } else {
      AppendCopyEscaped(UnescapeCopyField(field, &scratch), &again);
    }
  }
  FuzzCheck(again == line);
}

void CheckAsField(std::string_view field) {
  // A line's newlines and tabs are removed before a field is read, and COPY escapes all the others.
  if (field.find_first_of("\b\f\n\r\t\v") != std::string_view::npos) return;
  try {
    std::string scratch;
    std::string escaped;
    AppendCopyEscaped(UnescapeCopyField(field, &scratch), &escaped);
    FuzzCheck(escaped == field);
  } catch (const Error& error) {
    FuzzCheck(error.code() == ErrorCode::kProtocol);
  }
}

}  // namespace
}  // namespace rotv

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  rotv::CheckAsText(bytes);
  rotv::CheckAsLine(bytes);
  rotv::CheckAsField(bytes);
  rotv::CheckAsRow(bytes);
  return 0;
}
