// What the types of columns are made of, as far as personal data may be in them.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sync/postgres/pg_connection.h"

namespace rotv::mask {

// A part of a type that is not made of others: itself, or what is left once domains, arrays, row types, ranges and
// multiranges have been taken apart.
struct TypePart {
  enum class Kind {
    kText,     // Text, and whatever has a text that may say anything: json, hstore, xml, bytea, types of extensions.
    kNumber,   // Also money.
    kDate,     // And timestamps.
    kNetwork,  // inet, cidr, macaddr
    kUuid,
    kNone,  // Cannot be about a person by itself: boolean, interval, geometry. An enum's labels are in the schema.
  };
  Kind kind = Kind::kNone;
  std::string attributes;  // Of the row types around it, outermost first: "address.street"; empty for none.
};

struct TypeParts {
  std::vector<TypePart> parts;
  std::string constant;  // The text of some value; empty if none is known that is one of the type.
};

TypePart::Kind KindOfType(const std::string& name, char type, char category);

// One statement: of every column's type of the tables that a dump of the source holds.
extern const char* const kTypePartsSql;
// By the types' oids.
std::map<uint32_t, TypeParts> ParseTypeParts(const postgres::PgResult& rows);

}  // namespace rotv::mask
