#include "sync/schema/schema_diff.h"

#include <algorithm>
#include <map>

namespace rotv::schema {
namespace {

// The parts of pg_dump's comment above each object: "-- Name: t; Type: TABLE; Schema: public; Owner: -".
struct Header {
  std::string_view name;
  std::string_view type;
  std::string_view schema;
};

bool ParseHeader(std::string_view line, Header* header) {
  constexpr std::string_view kName = "-- Name: ", kType = "; Type: ", kSchema = "; Schema: ", kOwner = "; Owner: ";
  if (!line.starts_with(kName)) return false;
  // The line is searched from its end, since a name may contain anything.
  size_t owner = line.rfind(kOwner);
  if (owner == std::string_view::npos) return false;
  size_t schema = line.rfind(kSchema, owner);
  if (schema == std::string_view::npos) return false;
  size_t type = line.rfind(kType, schema);
  if (type == std::string_view::npos) return false;
  header->name = line.substr(kName.size(), type - kName.size());
  header->type = line.substr(type + kType.size(), schema - type - kType.size());
  header->schema = line.substr(schema + kSchema.size(), owner - schema - kSchema.size());
  return true;
}

std::string ObjectName(const Header& header) {
  std::string name(header.type);
  name += ' ';
  if (header.schema != "-") name.append(header.schema).append(".");
  return name.append(header.name);
}

// pg_dump writes these settings where they change, which depends on the neighbouring objects.
bool IsSetting(std::string_view line) {
  return line.starts_with("SET default_tablespace = ") || line.starts_with("SET default_table_access_method = ");
}

using Objects = std::map<std::string, std::vector<std::string>>;

Objects Split(std::string_view text) {
  Objects objects;
  std::string* body = nullptr;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    Header header;
    if (ParseHeader(line, &header)) {
      body = &objects[ObjectName(header)].emplace_back();
    } else if (body != nullptr && line != "--" && !line.starts_with("-- PostgreSQL database dump") &&
               !IsSetting(line)) {
      body->append(line).append("\n");
    }
  }
  for (auto& [name, bodies] : objects) {
    for (std::string& object : bodies) {
      object.erase(0, std::min(object.find_first_not_of('\n'), object.size()));
      object.erase(object.find_last_not_of('\n') + 1);
    }
  }
  return objects;
}

// Removes from both lists what is in both.
void Subtract(std::vector<std::string>& before, std::vector<std::string>& after) {
  for (auto it = before.begin(); it != before.end();) {
    auto same = std::find(after.begin(), after.end(), *it);
    if (same == after.end()) {
      ++it;
      continue;
    }
    after.erase(same);
    it = before.erase(it);
  }
}

}  // namespace

std::vector<SchemaChange> CompareSchemas(std::string_view before, std::string_view after) {
  if (before == after) return {};
  Objects old_objects = Split(before);
  Objects new_objects = Split(after);
  for (const auto& [name, bodies] : new_objects) old_objects[name];
  std::vector<SchemaChange> changes;
  for (auto& [name, old_bodies] : old_objects) {
    std::vector<std::string>& new_bodies = new_objects[name];
    Subtract(old_bodies, new_bodies);
    size_t both = std::min(old_bodies.size(), new_bodies.size());
    for (size_t i = 0; i < std::max(old_bodies.size(), new_bodies.size()); ++i) {
      SchemaChange change{.kind = SchemaChange::Kind::kChanged, .object = name, .before = {}, .after = {}};
      if (i < old_bodies.size()) change.before = old_bodies[i];
      if (i < new_bodies.size()) change.after = new_bodies[i];
      if (i >= both) change.kind = i < old_bodies.size() ? SchemaChange::Kind::kRemoved : SchemaChange::Kind::kAdded;
      changes.push_back(std::move(change));
    }
  }
  return changes;
}

std::vector<SchemaChange> CompareSchemas(const proto::SchemaVersion& before, const proto::SchemaVersion& after) {
  std::vector<SchemaChange> changes = CompareSchemas(before.pre_data(), after.pre_data());
  for (SchemaChange& change : CompareSchemas(before.post_data(), after.post_data())) {
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace rotv::schema
