// Checks a row before it is stored: stored rows are copied into a seed unchanged, and psql and a server read them
// there. A malicious source must not be able to end a line, and so the COPY, where it likes. Pure: no I/O.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "sync/formats/pgoutput.h"
#include "sync/formats/text_encoding.h"

namespace rotv::formats {

struct RowForm {
  std::string table;  // Quoted for SQL; used in messages.
  size_t columns = 0;
  TextEncoding encoding = TextEncoding::kUtf8;
};

// Each check throws an Error(kProtocol) that names the table and never a value.
class RowCheck {
 public:
  explicit RowCheck(RowForm form) : form_(std::move(form)) {}

  size_t columns() const { return form_.columns; }

  // Checks one line of COPY text (without its newline) for what COPY TO writes: the right number of fields; control
  // characters and backslashes only as the escapes \b \f \n \r \t \v and \\ , or \N for a whole field; characters of
  // the encoding. So the line cannot be "\." either.
  void Line(std::string_view line) const;

  // Checks a CopyData message, which COPY TO fills with one line and its newline. Returns the line.
  std::string_view Message(std::string_view message) const;

  // Checks values of pgoutput, which are escaped later, on this side: the right number of columns, characters of the
  // encoding, and no zero byte.
  void Tuple(const pgoutput::Tuple& tuple) const;

 private:
  [[noreturn]] void Throw(const char* what) const;

  RowForm form_;
};

}  // namespace rotv::formats
