#include "sync/find_drift.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "sync/drift/sketch.h"
#include "sync/formats/sql_tokens.h"

namespace rotv {
namespace {

// True if `text` matches `pattern`, in which `*` matches any text.
bool Matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// Removes objects that a pattern names, with all of their parts. Returns the number of objects without the parts.
size_t RemoveIgnored(std::vector<drift::SchemaObject>& objects, const std::vector<std::string>& ignore) {
  std::set<std::string> gone;
  auto named = [&](const drift::SchemaObject& object) {
    return std::any_of(ignore.begin(), ignore.end(), [&](const std::string& pattern) {
      return Matches(pattern, object.name) || Matches(pattern, object.Label());
    });
  };
  for (const drift::SchemaObject& object : objects) {
    if (named(object)) gone.insert(object.Label());
  }
  // A part of a part (a column's sequence) may come before it.
  for (size_t before = 0; before != gone.size();) {
    before = gone.size();
    for (const drift::SchemaObject& object : objects) {
      if (gone.contains(object.parent)) gone.insert(object.Label());
    }
  }
  size_t count = 0;
  for (const drift::SchemaObject& object : objects) {
    if (gone.contains(object.Label()) && !gone.contains(object.parent)) ++count;
  }
  std::erase_if(objects, [&](const drift::SchemaObject& object) { return gone.contains(object.Label()); });
  return count;
}

// A primary key makes its columns NOT NULL. If it is on one side only, that is one difference and not two.
std::string WithoutKeysNotNull(std::string definition) {
  constexpr std::string_view kNotNull = " NOT NULL";
  if (definition.ends_with(kNotNull)) definition.resize(definition.size() - kNotNull.size());
  return definition;
}

// Returns what is compared of an object regardless of the other side.
std::string Meaning(const drift::SchemaObject& object) {
  const std::string language = object.Part("language");
  if (language.empty()) return object.definition;
  std::string body = object.Part("body");
  if (language == "sql" || language == "plpgsql") body = formats::SqlTokens(body);
  return object.Part("head") + '\n' + body;
}

// Returns which of the names in `list`, a JSON list, are in `others` too, in the order of `list`.
std::vector<std::string> Common(const std::string& list, const std::string& others) {
  auto names = nlohmann::json::parse(list).get<std::vector<std::string>>();
  auto known = nlohmann::json::parse(others).get<std::set<std::string>>();
  std::erase_if(names, [&](const std::string& name) { return !known.contains(name); });
  return names;
}

bool SameMeaning(const drift::SchemaObject& a, const drift::SchemaObject& b) {
  if (a.parts.contains("attributes") && b.parts.contains("attributes")) {
    // An attribute that one side lacks is a difference of its own.
    return Common(a.Part("attributes"), b.Part("attributes")) == Common(b.Part("attributes"), a.Part("attributes"));
  }
  if (a.kind == "column" && (a.Part("not_null") == "by key" || b.Part("not_null") == "by key")) {
    return WithoutKeysNotNull(a.definition) == WithoutKeysNotNull(b.definition);
  }
  return Meaning(a) == Meaning(b);
}

using Members = std::multimap<std::string, const drift::SchemaObject*>;

Members By(const std::vector<drift::SchemaObject>& objects, const std::set<const drift::SchemaObject*>& without,
           std::string (*key)(const drift::SchemaObject&)) {
  Members members;
  for (const drift::SchemaObject& object : objects) {
    std::string text = key(object);
    if (!text.empty() && !without.contains(&object)) members.emplace(std::move(text), &object);
  }
  return members;
}

std::string KeyByMeaning(const drift::SchemaObject& object) {
  return object.own_name.empty() ? "" : object.kind + '\n' + object.parent + '\n' + object.definition;
}

class Pairing {
 public:
  Pairing(const std::vector<drift::SchemaObject>& before, const std::vector<drift::SchemaObject>& after)
      : before_(before), after_(after) {
    // Objects are paired by meaning, regardless of their names; then those of one name that differ.
    Pair(&KeyByMeaning);
    Pair([](const drift::SchemaObject& object) { return object.Label(); });
  }

  std::vector<std::pair<const drift::SchemaObject*, const drift::SchemaObject*>> pairs;

  std::vector<drift::SchemaObject> AloneBefore() const { return Alone(before_); }
  std::vector<drift::SchemaObject> AloneAfter() const { return Alone(after_); }

 private:
  std::vector<drift::SchemaObject> Alone(const std::vector<drift::SchemaObject>& objects) const {
    std::vector<drift::SchemaObject> alone;
    for (const drift::SchemaObject& object : objects) {
      if (!paired_.contains(&object)) alone.push_back(object);
    }
    return alone;
  }
  void Pair(std::string (*key)(const drift::SchemaObject&)) {
    Members others = By(after_, paired_, key);
    for (const auto& [text, object] : By(before_, paired_, key)) {
      auto found = others.find(text);
      if (found == others.end()) continue;
      pairs.emplace_back(object, found->second);
      paired_.insert({object, found->second});
      others.erase(found);
    }
  }

  const std::vector<drift::SchemaObject>& before_;
  const std::vector<drift::SchemaObject>& after_;
  std::set<const drift::SchemaObject*> paired_;
};

// Returns the objects that are not part of another one in the list.
std::vector<drift::SchemaObject> Wholes(const std::vector<drift::SchemaObject>& objects) {
  std::set<std::string> labels;
  for (const drift::SchemaObject& object : objects) labels.insert(object.Label());
  std::vector<drift::SchemaObject> wholes;
  for (const drift::SchemaObject& object : objects) {
    if (!labels.contains(object.parent)) wholes.push_back(object);
  }
  auto by_label = [](const drift::SchemaObject& a, const drift::SchemaObject& b) { return a.Label() < b.Label(); };
  std::stable_sort(wholes.begin(), wholes.end(), by_label);
  return wholes;
}

}  // namespace

drift::SchemaDrift FindDrift(std::vector<drift::SchemaObject> before, std::vector<drift::SchemaObject> after,
                             const std::vector<std::string>& ignore) {
  drift::SchemaDrift drift;
  drift.ignored = RemoveIgnored(before, ignore) + RemoveIgnored(after, ignore);
  Pairing pairing(before, after);
  std::vector<drift::ChangedObject> reversed;
  for (const auto& [a, b] : pairing.pairs) {
    if (!SameMeaning(*a, *b)) drift.changed.push_back({*a, *b});
  }
  std::sort(
      drift.changed.begin(), drift.changed.end(),
      [](const drift::ChangedObject& a, const drift::ChangedObject& b) { return a.before.Label() < b.before.Label(); });
  for (const drift::ChangedObject& change : drift.changed) reversed.push_back({change.after, change.before});
  std::vector<drift::SchemaObject> alone_before = pairing.AloneBefore(), alone_after = pairing.AloneAfter();
  drift.to_before =
      drift::SketchChange({.missing = alone_before, .surplus = alone_after, .changed = reversed, .target = before});
  drift.to_after =
      drift::SketchChange({.missing = alone_after, .surplus = alone_before, .changed = drift.changed, .target = after});
  drift.only_before = Wholes(alone_before);
  drift.only_after = Wholes(alone_after);
  return drift;
}

std::vector<std::string> MigrationBookkeeping() {
  std::vector<std::string> patterns;
  for (const char* table :
       {"schema_migrations", "ar_internal_metadata", "_prisma_migrations", "knex_migrations", "knex_migrations_lock",
        "pgmigrations", "\"SequelizeMeta\"", "flyway_schema_history", "databasechangelog", "databasechangeloglock",
        "goose_db_version", "gorp_migrations", "alembic_version", "django_migrations", "_sqlx_migrations",
        "__diesel_schema_migrations", "refinery_schema_history", "\"__EFMigrationsHistory\"", "__drizzle_migrations"}) {
    patterns.push_back(std::string("table *.") + table);
  }
  return patterns;
}

}  // namespace rotv
