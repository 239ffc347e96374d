// One object of a database's schema, as its server describes it. Plain data.

#pragma once

#include <map>
#include <string>

namespace rotv::drift {

struct SchemaObject {
  std::string kind;        // "table", "column", "constraint", "index", "function", …
  std::string name;        // Qualified and quoted: public.places.name; of a function with its arguments.
  std::string own_name;    // Without what it belongs to, quoted: places_pkey. Set where the server may have made it up.
  std::string parent;      // Kind and name of what it is part of, "table public.places"; empty for the others.
  std::string definition;  // In SQL, as the server writes it: order, formatting and its own name are not in it.
  std::string create;      // What makes it, without a semicolon; empty where `parts` or the definition say it.
  std::string drop;        // What takes it away, likewise.
  std::map<std::string, std::string> parts;  // Of those that can be changed in part; see schema_queries.cc.

  // How people and patterns call it: "index public.places_name_idx".
  std::string Label() const { return kind + " " + name; }

  // Empty where it has none of this name.
  std::string Part(const std::string& part) const {
    auto found = parts.find(part);
    return found == parts.end() ? std::string() : found->second;
  }

  bool operator==(const SchemaObject&) const = default;
};

}  // namespace rotv::drift
