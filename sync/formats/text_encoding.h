// The encodings that a database can have, and which bytes are text in each. Pure.
// The rules are those of PostgreSQL's pg_wchar.c: what it would refuse as input is refused here.

#pragma once

#include <string_view>

namespace rotv::formats {

enum class TextEncoding {
  kOneByte,  // LATIN1 and the like, SQL_ASCII: every byte is a character.
  kUtf8,
  kEucJp,  // EUC_JIS_2004 too.
  kEucCn,  // EUC_KR too.
  kEucTw,
  kMule,
};

// `name` is PostgreSQL's: "UTF8". Throws Error(kProtocol) if no database can have it: in encodings that only clients
// have, a byte of a longer character can be a quote, a backslash or a letter.
TextEncoding EncodingNamed(std::string_view name);

// True if all of `text` is characters of `encoding`. A zero byte is a character here.
bool IsEncoded(TextEncoding encoding, std::string_view text);

}  // namespace rotv::formats
