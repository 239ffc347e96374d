#include "sync/formats/dump_sections.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "storage/error.h"
#include "sync/formats/psql_lexer.h"

// Rows belong between pre-data and post-data of a dump, but in pg_dump's text nothing marks that place.
//
// SplitDumpByKinds() finds it by the comments above the objects: "-- Name: t_pkey; Type: CONSTRAINT; …". pg_dump writes
// all of pre-data before all of post-data, and has a section for each kind of object. A few kinds can be in both (a
// function whose body needs a primary key is postponed), but then they follow what they wait for, and that is of a kind
// of post-data alone. So post-data begins with the first object of such a kind. Invariant: a kind is only taken for one
// of pre-data if every pg_dump up to 18 writes it there; for any other there is no answer.
//
// SplitDump() has pg_dump say it itself, which costs a second run: once with both sections and once with post-data
// alone, at one exported snapshot, and the second text is a suffix of the first. One run for each section would not do:
// a full dump begins with the DROPs of all objects, those of post-data first, so its text is not the one section after
// the other.
//
// The suffix has one irregularity: pg_dump writes "SET default_tablespace" and "SET default_table_access_method" only
// where the value changes, so the run with post-data alone can have such a paragraph where the full run has none.
// PostDataSize() compares from the end, and steps over these paragraphs.
//
// Invariant of both: pre_data + post_data is the first text, byte for byte, but for \restrict lines. If any other byte
// of the second text differs, the split throws instead of guessing: the schema has changed in between, or pg_dump is
// one that this program does not know.
//
// CanonicalDump() uses psql's lexer, since a line inside a literal or a function body may look like a comment or like
// COPY.

namespace rotv::formats {
namespace {

constexpr std::string_view kBegins = "--\n-- PostgreSQL database dump\n--\n";
constexpr std::string_view kComplete = "\n--\n-- PostgreSQL database dump complete\n--\n";

[[noreturn]] void ThrowNotADump(const char* what) {
  throw Error(ErrorCode::kProtocol, std::string("the output of pg_dump on the source ") + what);
}

// The offset of the settings with which every dump begins: pg_dump writes only comments and \restrict before them.
size_t SettingsStart(std::string_view dump) {
  size_t start = dump.find("\nSET ");
  if (start == std::string_view::npos) ThrowNotADump("does not begin with settings");
  return start + 1;
}

// Removes the line [start, its newline] and the blank line after it, if there is one.
void EraseParagraphLine(size_t start, std::string* dump) {
  size_t end = dump->find('\n', start);
  end = end == std::string::npos ? dump->size() : end + 1;
  if (end < dump->size() && (*dump)[end] == '\n') ++end;
  dump->erase(start, end - start);
}

// Cuts `dump` after the line that ends at `newline` and the blank line after it, if there is one.
void CutAfterLine(size_t newline, std::string* dump) {
  const bool blank = newline + 1 < dump->size() && (*dump)[newline + 1] == '\n';
  dump->resize(newline + (blank ? 2 : 1));
}

// Removes what a login shell or a forced command on the remote host printed before pg_dump's first line and after its
// last one, and pg_dump's own \restrict lines: the \restrict above the settings, and the \unrestrict with the same key
// after the last comment. A line like them in between is part of a function or a comment.
std::string OwnText(std::string_view text) {
  constexpr std::string_view kRestrict = "\n\\restrict ";
  const size_t begin = text.find(kBegins);
  if (begin == std::string_view::npos) ThrowNotADump("does not begin like a dump");
  std::string dump(text.substr(begin));
  size_t complete = dump.rfind(kComplete);
  if (complete == std::string::npos) ThrowNotADump("was cut off");
  size_t restrict = std::string_view(dump).substr(0, SettingsStart(dump)).find(kRestrict);
  if (restrict == std::string::npos) {
    CutAfterLine(complete + kComplete.size() - 1, &dump);
    return dump;
  }
  size_t key_start = restrict + kRestrict.size();
  std::string key = dump.substr(key_start, dump.find('\n', key_start) - key_start);
  size_t unrestrict = dump.find("\n\\unrestrict " + key + "\n", complete + kComplete.size() - 1);
  if (unrestrict == std::string::npos) ThrowNotADump("was cut off");
  CutAfterLine(dump.find('\n', unrestrict + 1), &dump);
  EraseParagraphLine(unrestrict + 1, &dump);
  EraseParagraphLine(restrict + 1, &dump);
  return dump;
}

// The part after the settings, from the blank line on, so that every paragraph of a body has a newline before it.
std::string_view Body(std::string_view dump) {
  size_t blank = dump.find("\n\n", SettingsStart(dump));
  if (blank == std::string_view::npos) ThrowNotADump("ends within its settings");
  return dump.substr(blank + 1);
}

size_t CommonSuffixSize(std::string_view a, std::string_view b) {
  auto [a_end, b_end] = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend());
  return static_cast<size_t>(a_end - a.rbegin());
}

struct Paragraph {
  size_t start;
  size_t end;
};

// pg_dump writes "SET default_tablespace" and "SET default_table_access_method" before the first object that needs
// another value than the one before it. In a dump of post-data alone that is the first object that needs any; in the
// dump of everything the value may have been set long before. So `post` can have such a paragraph, not always at its
// front, where `all` has none. Returns the one that keeps `post` from agreeing with `all` in more than its last
// `common` bytes.
std::optional<Paragraph> SettingOnlyInPost(std::string_view post, size_t common) {
  constexpr std::string_view kSetDefault = "\nSET default_table";
  constexpr std::string_view kEnd = ";\n\n";
  // The bytes before an object are often those before the setting too, so the common part can reach into it.
  size_t difference = post.size() - common;
  size_t newline = post.rfind(kSetDefault, difference);
  if (newline == std::string_view::npos) return std::nullopt;
  size_t end = post.find(kEnd, newline);
  if (end == std::string_view::npos || end + kEnd.size() < difference) return std::nullopt;
  return Paragraph{newline + 1, end + kEnd.size()};
}

// The number of bytes at the end of `all` that are the objects of `post`; both are bodies.
size_t PostDataSize(std::string_view all, std::string_view post) {
  size_t size = 0;
  while (true) {
    size_t common = CommonSuffixSize(all, post);
    if (common == post.size()) return size + common - 1;  // The blank line above the objects belongs to pre-data.
    std::optional<Paragraph> setting = SettingOnlyInPost(post, common);
    if (!setting) {
      throw Error(ErrorCode::kProtocol, "two runs of pg_dump on the source disagree about the end of the schema",
                  "the schema may have changed in between: run the command again");
    }
    size_t agreed = post.size() - setting->end;
    size += agreed;
    all.remove_suffix(agreed);
    post = post.substr(0, setting->start);
  }
}

// Splits a dump into lines as SQL sees them: a newline within a literal, a quoted name or a function body does not end
// one.
class SqlLines {
 public:
  explicit SqlLines(std::string_view text) : text_(text), lexer_(text) {}

  bool done() const { return lexer_.done(); }
  size_t position() const { return lexer_.position(); }

  // The next line, with its newline if it has one. Comment lines and psql's commands are never continued.
  std::string_view Next() {
    const size_t start = lexer_.position();
    if (text_[start] == '\\' || text_.substr(start, 2) == "--") return lexer_.SkipLine();
    while (!lexer_.done() && lexer_.Next().kind != PsqlLexer::Kind::kNewline) continue;
    return text_.substr(start, lexer_.position() - start);
  }

  // The next line of COPY data, without its newline.
  std::string_view NextRaw() {
    std::string_view line = lexer_.SkipLine();
    if (line.ends_with('\n')) line.remove_suffix(1);
    return line;
  }

  void set_backslash_escapes(bool value) { lexer_.set_backslash_escapes(value); }

 private:
  std::string_view text_;
  PsqlLexer lexer_;
};

// The kinds of objects that pg_dump 13 to 18 writes with pre-data, in every case or unless it postpones them, and those
// that come after them always: privileges come after all else. Source: the calls of ArchiveEntry() in pg_dump.c.
constexpr std::string_view kPreDataKinds[] = {
    "ACCESS METHOD",
    "AGGREGATE",
    "BLOB",
    "BLOB METADATA",
    "CAST",
    "COLLATION",
    "COMMENT",
    "CONVERSION",
    "DEFAULT",
    "DOMAIN",
    "EXTENSION",
    "FOREIGN DATA WRAPPER",
    "FOREIGN TABLE",
    "FUNCTION",
    "MATERIALIZED VIEW",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "PROCEDURAL LANGUAGE",
    "PROCEDURE",
    "SCHEMA",
    "SECURITY LABEL",
    "SEQUENCE",
    "SEQUENCE OWNED BY",
    "SERVER",
    "SHELL TYPE",
    "TABLE",
    "TABLE ATTACH",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRANSFORM",
    "TYPE",
    "USER MAPPING",
    "VIEW",
};
constexpr std::string_view kPostDataKinds[] = {
    "ACL",          "CHECK CONSTRAINT",       "CONSTRAINT", "DEFAULT ACL",  "EVENT TRIGGER", "FK CONSTRAINT", "INDEX",
    "INDEX ATTACH", "MATERIALIZED VIEW DATA", "POLICY",     "ROW SECURITY", "RULE",          "STATISTICS",    "TRIGGER",
};

template <size_t kSize>
bool Contains(const std::string_view (&kinds)[kSize], std::string_view kind) {
  return std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds);
}

// The kind in the line "-- Name: t; Type: TABLE; Schema: public; Owner: -\n"; nothing if a name in it looks like the
// rest of such a line.
std::optional<std::string_view> KindIn(std::string_view comment) {
  constexpr std::string_view kType = "; Type: ", kSchema = "; Schema: ";
  const size_t type = comment.find(kType), schema = comment.find(kSchema);
  if (schema == std::string_view::npos || schema < type) return std::nullopt;
  if (comment.rfind(kType) != type || comment.rfind(kSchema) != schema) return std::nullopt;
  return comment.substr(type + kType.size(), schema - type - kType.size());
}

// The offset in a dump at which the first object of post-data begins, with the settings that are made for it; its end
// if there is none. Nothing as SplitDumpByKinds().
std::optional<size_t> PostDataStart(std::string_view dump) {
  SqlLines lines(dump);
  size_t object = 0;  // Where the comment begins, or the settings before it.
  bool in_comment = false, after_settings = false;
  while (!lines.done()) {
    const size_t start = lines.position();
    const std::string_view line = lines.Next();
    if (line.starts_with("SET standard_conforming_strings = ")) lines.set_backslash_escapes(line.ends_with("off;\n"));
    if (line.starts_with("-- Name: ") && in_comment) {
      const std::optional<std::string_view> kind = KindIn(line);
      if (kind && Contains(kPostDataKinds, *kind)) return object;
      if (!kind || !Contains(kPreDataKinds, *kind)) return std::nullopt;
    }
    const bool is_setting = line.starts_with("SET default_table");
    if ((line == "--\n" || is_setting) && !after_settings) object = start;
    in_comment = line == "--\n";
    after_settings = is_setting || (after_settings && line == "\n");
  }
  return dump.rfind(kComplete) + 1;
}

void AppendLine(std::string_view line, std::string* out) {
  out->append(line);
  out->push_back('\n');
}

// Copies the rows of a COPY block, sorted, and the line that ends it.
void AppendSortedRows(SqlLines* lines, std::vector<std::string_view>* rows, std::string* out) {
  rows->clear();
  bool ended = false;
  while (!ended && !lines->done()) {
    std::string_view row = lines->NextRaw();
    ended = row == "\\.";
    if (!ended) rows->push_back(row);
  }
  // Seeds mostly have their rows in order already.
  if (!std::is_sorted(rows->begin(), rows->end())) std::sort(rows->begin(), rows->end());
  for (std::string_view row : *rows) AppendLine(row, out);
  if (ended) AppendLine("\\.", out);
}

bool IsDisregarded(std::string_view line) {
  return line.empty() || line.starts_with("--") || line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ");
}

}  // namespace

int DumpVersionOf(std::string_view dump) {
  constexpr std::string_view kBefore = "\n-- Dumped by pg_dump version ";
  const std::string_view header = dump.substr(0, SettingsStart(dump));
  const size_t at = header.find(kBefore);
  int major = 0;
  if (at != std::string_view::npos) {
    std::from_chars(header.data() + at + kBefore.size(), header.data() + header.size(), major);
  }
  return major;
}

DumpSections SplitDump(std::string_view all, std::string_view post) {
  DumpSections sections;
  sections.pre_data = OwnText(all);
  std::string only_post = OwnText(post);
  size_t rows_at = sections.pre_data.size() - PostDataSize(Body(sections.pre_data), Body(only_post));
  sections.post_data = sections.pre_data.substr(rows_at);
  sections.pre_data.resize(rows_at);
  return sections;
}

std::optional<DumpSections> SplitDumpByKinds(std::string_view all) {
  DumpSections sections;
  sections.pre_data = OwnText(all);
  const std::optional<size_t> rows_at = PostDataStart(sections.pre_data);
  if (!rows_at) return std::nullopt;
  sections.post_data = sections.pre_data.substr(*rows_at);
  sections.pre_data.resize(*rows_at);
  return sections;
}

size_t FindDrops(std::string_view post_with_drops, std::string_view pre_data) {
  // After the DROPs comes the first object's comment, or a setting before it.
  std::string text = OwnText(post_with_drops);
  std::string_view drops = Body(text).substr(1);
  size_t object = std::min(drops.find("\n--\n"), drops.find("\nSET default_table"));
  drops = drops.starts_with("--\n") || drops.starts_with("SET default_table") ? "" : drops.substr(0, object + 1);
  size_t start = static_cast<size_t>(Body(pre_data).data() - pre_data.data()) + 1;
  if (pre_data.substr(start, drops.size()) != drops) {
    throw Error(ErrorCode::kProtocol, "two runs of pg_dump on the source disagree about the objects to be dropped",
                "the schema may have changed in between: run the command again");
  }
  return start + drops.size();
}

std::string CanonicalDump(std::string_view dump) {
  std::string canonical;
  canonical.reserve(dump.size() + 1);
  std::vector<std::string_view> rows;
  SqlLines lines(dump);
  while (!lines.done()) {
    std::string_view line = lines.Next();
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (IsDisregarded(line)) continue;
    AppendLine(line, &canonical);
    if (line.starts_with("SET standard_conforming_strings = ")) lines.set_backslash_escapes(line.ends_with("off;"));
    // A COPY statement is all on one line, as SQL sees lines.
    if (line.starts_with("COPY ") && line.ends_with(" FROM stdin;")) AppendSortedRows(&lines, &rows, &canonical);
  }
  return canonical;
}

}  // namespace rotv::formats
