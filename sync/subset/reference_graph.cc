#include "sync/subset/reference_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "sync/postgres/large_objects.h"
#include "sync/schema/follow.h"

namespace rotv::subset {
namespace {

using formats::TableName;

// Finds circles (Tarjan). What a node references is left before it, so components come in the order that is wanted.
class Circles {
 public:
  Circles(std::vector<std::set<size_t>> references) : references_(std::move(references)), marks_(references_.size()) {}

  std::vector<std::vector<size_t>> Find() {
    for (size_t i = 0; i < references_.size(); ++i) {
      if (marks_[i].order == 0) Visit(i);
    }
    return std::move(found_);
  }

 private:
  struct Mark {
    size_t order = 0;  // 0: not visited.
    size_t lowest = 0;
    bool open = false;
  };

  // A step of the walk; an explicit stack, since a chain of references may be long.
  struct Step {
    size_t at = 0;
    std::set<size_t>::const_iterator next;
  };

  void Enter(size_t at) {
    marks_[at] = {.order = ++last_, .lowest = last_, .open = true};
    open_.push_back(at);
    steps_.push_back({at, references_[at].begin()});
  }

  void Visit(size_t first) {
    Enter(first);
    while (!steps_.empty()) {
      Step& step = steps_.back();
      Mark& mark = marks_[step.at];
      if (step.next != references_[step.at].end()) {
        const size_t to = *step.next++;
        if (marks_[to].order == 0) {
          Enter(to);
        } else if (marks_[to].open) {
          mark.lowest = std::min(mark.lowest, marks_[to].order);
        }
        continue;
      }
      const size_t at = step.at;
      steps_.pop_back();
      if (!steps_.empty()) {
        Mark& above = marks_[steps_.back().at];
        above.lowest = std::min(above.lowest, marks_[at].lowest);
      }
      if (marks_[at].lowest == marks_[at].order) Close(at);
    }
  }

  void Close(size_t first) {
    std::vector<size_t> circle;
    do {
      circle.push_back(open_.back());
      marks_[open_.back()].open = false;
      open_.pop_back();
    } while (circle.back() != first);
    found_.push_back(std::move(circle));
  }

  const std::vector<std::set<size_t>> references_;
  std::vector<Mark> marks_;
  std::vector<size_t> open_;
  std::vector<Step> steps_;
  size_t last_ = 0;
  std::vector<std::vector<size_t>> found_;
};

// True if the schema makes a type whose equal values may have different letters and digits: a domain over such a type,
// or a composite type or range with one in it. Which of the types it is is not looked at, since columns have only a
// number of theirs.
bool MakesOddTypes(std::string_view pre_data) {
  bool is_domain = false, is_type = false;
  while (!pre_data.empty()) {
    const std::string_view line = pre_data.substr(0, pre_data.find('\n'));
    pre_data.remove_prefix(std::min(line.size() + 1, pre_data.size()));
    if (line.starts_with("CREATE ")) {
      is_domain = line.starts_with("CREATE DOMAIN ");
      is_type = line.starts_with("CREATE TYPE ");
    }
    const auto has = [line](std::string_view text) { return line.find(text) != std::string_view::npos; };
    if ((is_domain || is_type) && has(" interval")) return true;
    if (is_domain && (has(" AS real") || has(" AS double precision") || has(" AS cidr") || has(" AS inet")))
      return true;
    if (line.ends_with(';')) is_domain = is_type = false;
  }
  return false;
}

class GraphMaker {
 public:
  GraphMaker(const proto::SchemaVersion& schema, const ShapeMap& shapes) : schema_(schema), shapes_(shapes) {}

  ReferenceGraph Run() {
    for (const formats::PartitionText& one : formats::PartitionsIn(schema_.pre_data(), schema_.standard_strings())) {
      part_of_[one.partition] = one.of;
    }
    AddNodes();
    // A collation that is not deterministic takes different texts for equal.
    odd_collations_ = schema_.pre_data().find("deterministic = false") != std::string::npos;
    odd_types_ = MakesOddTypes(schema_.pre_data());
    for (const auto& key : formats::ForeignKeysIn(schema_.post_data(), schema_.standard_strings())) AddReference(key);
    AddReferencesOfExtensions();
    AddComponents();
    return std::move(graph_);
  }

 private:
  void AddNodes() {
    for (const proto::Table& table : schema_.tables()) {
      if (table.id() == postgres::kLargeObjectTable) continue;
      TableName name{table.schema(), table.name()};
      std::vector<size_t>& own = graph_.by_name[name];
      if (!schema::HasRows(table)) continue;
      const size_t at = graph_.nodes.size();
      own.push_back(at);
      TableNode node{.table = &table, .shape = &shapes_.Get(table.shape()), .names = {name}};
      for (auto of = part_of_.find(name); of != part_of_.end(); of = part_of_.find(of->second)) {
        node.names.push_back(of->second);
        graph_.by_name[of->second].push_back(at);
      }
      graph_.nodes.push_back(std::move(node));
    }
  }

  static const proto::Column* ColumnOf(const TableNode& node, const std::string& name, size_t* index) {
    for (int i = 0; i < node.shape->columns_size(); ++i) {
      if (node.shape->columns(i).name() != name) continue;
      *index = static_cast<size_t>(i);
      return &node.shape->columns(i);
    }
    return nullptr;
  }

  std::vector<KeySide> SidesOf(const TableName& table) const {
    std::vector<KeySide> sides;
    const auto found = graph_.by_name.find(table);
    if (found == graph_.by_name.end()) return sides;
    for (const size_t node : found->second) sides.push_back({.node = node, .key = {}});
    return sides;
  }

  void AddReference(const formats::ForeignKeyText& key) {
    Reference reference{.text = fmt::format("{} of {}.{}", key.name, key.table.first, key.table.second),
                        .constraint = key.constraint(),
                        .is_checked = key.is_checked,
                        .referencing = SidesOf(key.table),
                        .referenced = SidesOf(key.referenced)};
    if (reference.referencing.empty() || reference.referenced.empty()) return;
    reference.comparable = !key.columns.empty();
    for (size_t i = 0; i < key.columns.size(); ++i) {
      AddColumns(key.columns[i], key.referenced_columns[i], &reference);
    }
    graph_.references.push_back(std::move(reference));
  }

  // The keys that CREATE EXTENSION makes are in no dump. What is known of them is which tables they lead to.
  void AddReferencesOfExtensions() {
    std::map<TableId, size_t> nodes;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) nodes[graph_.nodes[i].table->id()] = i;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const proto::Table& table = *graph_.nodes[i].table;
      for (const TableId before : table.rows_after()) {
        const auto referenced = nodes.find(before);
        if (referenced == nodes.end()) continue;
        graph_.references.push_back(
            {.text = fmt::format("the extension's foreign keys of {}.{}", table.schema(), table.name()),
             .referencing = {{.node = i, .key = {}}},
             .referenced = {{.node = referenced->second, .key = {}}},
             .comparable = false});
      }
    }
  }

  // Partitions have the columns of one name and type, in an order of their own.
  void AddColumns(const std::string& from, const std::string& to, Reference* reference) {
    std::optional<KeyForms> forms;
    for (KeySide& referenced : reference->referenced) {
      KeyField field;
      const proto::Column* column = ColumnOf(graph_.nodes[referenced.node], to, &field.index);
      for (KeySide& referencing : reference->referencing) {
        KeyField own;
        const proto::Column* other = ColumnOf(graph_.nodes[referencing.node], from, &own.index);
        if (column == nullptr || other == nullptr) {  // Generated: such values are not stored.
          reference->comparable = false;
          return;
        }
        if (!forms) forms = FormsOf(other->type_oid(), column->type_oid());
        if (odd_types_ && (IsOfUsers(other->type_oid()) || IsOfUsers(column->type_oid()))) forms = KeyForms();
        if (odd_collations_ && IsText(column->type_oid())) forms = KeyForms();
        own.form = forms->referencing;
        if (&referenced == &reference->referenced.front()) referencing.key.push_back(own);
      }
      field.form = forms->referenced;
      referenced.key.push_back(field);
    }
    reference->comparable &= forms->referenced != KeyForm::kUnclear;
  }

  // Partitions of one table are one place, since a foreign key of it is one of all of them.
  void AddComponents() {
    std::map<TableName, size_t> places;
    std::vector<std::vector<size_t>> nodes_of;
    std::vector<size_t> place_of;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const auto [place, is_new] = places.emplace(graph_.nodes[i].names.back(), nodes_of.size());
      if (is_new) nodes_of.emplace_back();
      nodes_of[place->second].push_back(i);
      place_of.push_back(place->second);
    }
    std::vector<std::set<size_t>> references(nodes_of.size());
    for (const Reference& reference : graph_.references) {
      for (const KeySide& from : reference.referencing) {
        for (const KeySide& to : reference.referenced) references[place_of[from.node]].insert(place_of[to.node]);
      }
    }
    for (const std::vector<size_t>& circle : Circles(std::move(references)).Find()) {
      std::vector<size_t> nodes;
      for (const size_t place : circle) nodes.insert(nodes.end(), nodes_of[place].begin(), nodes_of[place].end());
      std::sort(nodes.begin(), nodes.end());
      for (const size_t node : nodes) graph_.nodes[node].component = graph_.components.size();
      graph_.components.push_back(std::move(nodes));
    }
  }

  const proto::SchemaVersion& schema_;
  const ShapeMap& shapes_;
  std::map<TableName, TableName> part_of_;
  bool odd_collations_ = false;
  bool odd_types_ = false;
  ReferenceGraph graph_;
};

}  // namespace

ReferenceGraph MakeGraph(const proto::SchemaVersion& schema, const ShapeMap& shapes) {
  return GraphMaker(schema, shapes).Run();
}

}  // namespace rotv::subset
