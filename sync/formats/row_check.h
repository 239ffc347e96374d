// Checks a row before it is stored: what is stored is written into a seed as it is, and psql and the server read it
// there. A server that lies must not be able to end a line, and with it the COPY, where it likes. Pure: no I/O.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "sync/formats/pgoutput.h"
#include "sync/formats/text_encoding.h"

namespace rotv::formats {

struct RowForm {
  std::string table;  // For messages, quoted as SQL needs it.
  size_t columns = 0;
  TextEncoding encoding = TextEncoding::kUtf8;
};

// Every check throws Error(kProtocol) that names the table and no value.
class RowCheck {
 public:
  explicit RowCheck(RowForm form) : form_(std::move(form)) {}

  // One line of COPY text without its newline, as COPY TO writes it: the right number of fields; control characters
  // and backslashes only as the escapes \b \f \n \r \t \v and \\ , or \N for a whole field; characters of the encoding.
  // So it cannot be "\." either.
  void Line(std::string_view line) const;

  // A CopyData message, which COPY TO makes of one line and its newline. Returns the line.
  std::string_view Message(std::string_view message) const;

  // Values as pgoutput sends them, which are escaped here: the right number of columns, characters of the encoding, and
  // no zero byte.
  void Tuple(const pgoutput::Tuple& tuple) const;

 private:
  [[noreturn]] void Throw(const char* what) const;

  RowForm form_;
};

}  // namespace rotv::formats
