// Describes one object of a database's schema, as its server does. Plain data.

#pragma once

#include <map>
#include <string>

namespace rotv::drift {

// What an object has beside its defaults and can be changed in place: "storage", "fillfactor".
struct Setting {
  std::string set;       // The statement that gives an object this value.
  std::string reset;     // The statement that gives it the default again.
  bool created = false;  // The statement that creates the object gives it this value, too.

  bool operator==(const Setting&) const = default;
};

struct SchemaObject {
  std::string kind;        // "table", "column", "constraint", "index", "function", …
  std::string name;        // Qualified and quoted: public.places.name; a function's includes its arguments.
  std::string own_name;    // Unqualified, quoted: places_pkey. Set if the server may have chosen the name.
  std::string parent;      // Kind and name of the object that it is part of, "table public.places"; empty for the
                           // others.
  std::string definition;  // SQL as the server writes it, without the object's order, formatting and own name.
  std::string create;      // The statement that creates it, without a semicolon; empty if `parts` or the definition
                           // contain it.
  std::string drop;        // The statement that drops it, without a semicolon.
  std::map<std::string, std::string> parts;  // Only for objects that can be changed in part; see schema_queries.cc.
  std::map<std::string, Setting> settings;   // By name; those with default values are not in it.

  // The name that people and patterns use: "index public.places_name_idx".
  std::string Label() const { return kind + " " + name; }

  // Returns the part of this name; empty if there is none.
  std::string Part(const std::string& part) const {
    auto found = parts.find(part);
    return found == parts.end() ? std::string() : found->second;
  }

  bool operator==(const SchemaObject&) const = default;
};

}  // namespace rotv::drift
