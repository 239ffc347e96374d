// Checks text in the encodings that a database can have. Pure.
// The rules are those of PostgreSQL's wchar.c: bytes that it refuses as input are refused here.

#pragma once

#include <string_view>

namespace rotv::formats {

enum class TextEncoding {
  kOneByte,  // LATIN1 and similar ones, SQL_ASCII: every byte is a character.
  kUtf8,
  kEucJp,  // EUC_JIS_2004 too.
  kEucCn,  // EUC_KR too.
  kEucTw,
  kMule,
};

// Finds an encoding by PostgreSQL's name for it: "UTF8". Throws Error(kProtocol) for one that no database can have: in
// encodings for clients only, a byte of a longer character can be a quote, a backslash or a letter.
TextEncoding EncodingNamed(std::string_view name);

// True if `text` consists of characters of `encoding`. A zero byte counts as a character here.
bool IsEncoded(TextEncoding encoding, std::string_view text);

}  // namespace rotv::formats
