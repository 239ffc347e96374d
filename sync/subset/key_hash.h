// Hashes the values of keys, so that what references and what is referenced are compared by 64 bits. Pure.
//
// Invariant: values that a foreign key takes for equal have the same hash. The reverse need not be true: two keys with
// one hash only bring a row too many.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::subset {

// How a field of COPY text is written down before it is hashed.
enum class KeyForm : uint8_t {
  kExact,    // As it is.
  kDecimal,  // Without zeros that mean nothing: 1.50 is 1.5.
  kFloat4,   // As the number of 64 bits that it becomes.
  kFloat8,
  kBlankless,  // Without blanks at its end.
  kNetwork,    // Without the netmask of one address.
  kLoose,      // Letters and digits other than 0 alone: a type whose equality is not known.
  kUnclear,    // It cannot be done: equal values may have nothing in common.
};

// The forms in which two columns are compared, given their types (pg_type.oid).
struct KeyForms {
  KeyForm referencing = KeyForm::kUnclear;
  KeyForm referenced = KeyForm::kUnclear;
};
KeyForms FormsOf(uint32_t referencing_type, uint32_t referenced_type);

// True if values of the type are texts, which a collation may take for equal.
bool IsText(uint32_t type);

// True if the type is none of PostgreSQL's own: a domain, an enumeration, one of an extension.
bool IsOfUsers(uint32_t type);

struct KeyField {
  size_t index = 0;  // Of the line's fields.
  KeyForm form = KeyForm::kExact;

  friend bool operator==(const KeyField&, const KeyField&) = default;
  friend auto operator<=>(const KeyField&, const KeyField&) = default;
};

// The hash of a key, given a line's fields, still escaped; 0 if one of them is NULL: such a key neither references nor
// is referenced (with MATCH FULL all of them are NULL then). `*scratch` is overwritten.
uint64_t HashKey(const std::vector<std::string_view>& fields, const std::vector<KeyField>& key, std::string* scratch);

// The hash of a row's key of the store: never 0. Rows of one key have other hashes in other tables.
uint64_t HashRow(std::string_view row_key, uint64_t table_seed);
uint64_t TableSeed(std::string_view schema, std::string_view name);

}  // namespace rotv::subset
