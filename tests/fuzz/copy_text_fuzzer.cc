// Escaped text reads back unchanged; text that can be read at all is what COPY would have written.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "storage/error.h"
#include "sync/formats/copy_text.h"
#include "sync/formats/row_check.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::formats {
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

// Values are accepted as a tuple if and only if they are as the line that they become.
void CheckAsTuple(std::string_view bytes) {
  constexpr TextEncoding kEncodings[] = {TextEncoding::kOneByte, TextEncoding::kUtf8,  TextEncoding::kEucJp,
                                         TextEncoding::kEucCn,   TextEncoding::kEucTw, TextEncoding::kMule};
  FuzzInput input(bytes);
  const TextEncoding encoding = kEncodings[input.Byte() % std::size(kEncodings)];
  pgoutput::Tuple tuple;
  std::string line;
  while (!input.empty()) {
    const std::string_view value = input.Line();
    if (!line.empty() || !tuple.empty()) line += '\t';
    AppendCopyEscaped(value, &line);
    tuple.push_back({.kind = pgoutput::Column::Kind::kText, .text = value});
  }
  if (tuple.empty()) return;
  const RowCheck check({.table = "t", .columns = tuple.size(), .encoding = encoding});
  const bool as_tuple = AcceptedOr(ErrorCode::kProtocol, [&] { check.Tuple(tuple); });
  // Fields are checked together in a line, where a tab would end a longer character as well.
  const bool as_line = AcceptedOr(ErrorCode::kProtocol, [&] { check.Line(line); });
  FuzzCheck(as_tuple == as_line);
}

void CheckCopyText(std::string_view bytes) {
  CheckAsText(bytes);
  CheckAsLine(bytes);
  CheckAsField(bytes);
  CheckAsRow(bytes);
  CheckAsTuple(bytes);
}

}  // namespace
}  // namespace rotv::formats

ROTV_FUZZ_TARGET(copy_text, rotv::formats::CheckCopyText)
