// Takes the types of columns apart, as far as they may hold personal data.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sync/postgres/pg_connection.h"

namespace rotv::mask {

// A part of a type that has no parts itself: the type, or what is left once domains, arrays, row types, ranges and
// multiranges have been taken apart.
struct TypePart {
  enum class Kind {
    kText,     // Text, and any type whose text may say anything: json, hstore, xml, bytea, types of extensions.
    kNumber,   // Includes money.
    kDate,     // Includes timestamps.
    kNetwork,  // inet, cidr, macaddr
    kUuid,
    kNone,  // Cannot be about a person by itself: boolean, interval, geometry. Labels of enums are in the schema.
  };
  Kind kind = Kind::kNone;
  std::string attributes;  // The attributes of the row types around it, outermost first: "address.street"; empty for
                           // none.
};

struct TypeParts {
  std::vector<TypePart> parts;
  std::string constant;  // The text of some value of the type; empty if none is known.
};

TypePart::Kind KindOfType(const std::string& name, char type, char category);

// One statement that lists the parts of every column's type, for the tables that a dump of the source contains.
extern const char* const kTypePartsSql;
// Returns the parts by the types' oids.
std::map<uint32_t, TypeParts> ParseTypeParts(const postgres::PgResult& rows);

}  // namespace rotv::mask
