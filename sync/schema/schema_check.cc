#include "sync/schema/schema_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "storage/error.h"
#include "sync/formats/psql_lexer.h"
#include "sync/formats/text_encoding.h"

namespace rotv::schema {
namespace {

using Kind = formats::PsqlLexer::Kind;
using Token = formats::PsqlLexer::Token;

constexpr const char* kOldDumpHint =
    "pg_dump before 13.22, 14.19, 15.14, 16.10 and 17.6 writes an object's name with a line break so that psql "
    "runs "
    "its second line: install a newer one on the source's host, and look for such a name";

constexpr const char* kOtherOutputHint =
    "something other than pg_dump may write into its output: check what the login shell on the remote host prints";

std::string Lower(std::string_view word) {
  std::string lower(word);
  for (char& byte : lower) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
  }
  return lower;
}

// Splits the text into statements exactly where psql does.
class StatementReader {
 public:
  explicit StatementReader(std::string_view text) : text_(text), lexer_(text) {}

  // Reads to the end; throws at the first error.
  void Run() {
    // psql takes a zero byte for the end of a line, within quotes too.
    if (text_.find('\0') != std::string_view::npos) Throw("contains a zero byte");
    for (Token token = lexer_.Next(); token.kind != Kind::kEnd; token = lexer_.Next()) Take(token);
    if (begun_) Throw("does not end at the end of a statement");
  }

  // The value after the text's last SET of standard_conforming_strings; on if there is none.
  bool standard_strings() const { return standard_strings_; }

 private:
  void Take(const Token& token) {
    if (token.kind == Kind::kBackslash) Throw("contains a command for psql");
    if (token.kind == Kind::kUnclear) Throw("contains something that psql may read in two ways");
    if (!token.closed) Throw("ends within quotes or a comment");
    if (token.kind == Kind::kSpace || token.kind == Kind::kNewline || token.kind == Kind::kComment) return;
    if (!begun_) Begin(token);
    if (token.kind == Kind::kWord) CountWord(token.text);
    if (token.text == "(") ++parentheses_;
    if (token.text == ")" && parentheses_ > 0) --parentheses_;
    if (token.text == ";" && parentheses_ == 0 && begins_ == 0) End();
  }

  void Begin(const Token& token) {
    // These begin the statements that pg_dump writes for a schema; COPY, and what a shell may print, are not among
    // them.
    constexpr std::string_view kFirst[] = {"ALTER",   "COMMENT", "CREATE", "DROP",     "GRANT",
                                           "REFRESH", "REVOKE",  "SELECT", "SECURITY", "SET"};
    if (std::find(std::begin(kFirst), std::end(kFirst), token.text) == std::end(kFirst)) {
      Throw("contains something that is no statement of a schema", kOtherOutputHint);
    }
    begun_ = true;
    start_ = static_cast<size_t>(token.text.data() - text_.data());
    words_ = 0;
    initials_.fill('\0');
  }

  // Since version 14 a semicolon between BEGIN and END of a function's body does not end the statement. This counts as
  // psql does.
  void CountWord(std::string_view text) {
    const std::string word = Lower(text);
    for (const char* counted : {"create", "function", "procedure", "or", "replace"}) {
      if (word == counted && words_ < initials_.size()) initials_[words_] = word.front();
    }
    ++words_;
    const std::string_view initials(initials_.data(), initials_.size());
    const bool is_routine = initials.starts_with("cf") || initials.starts_with("cp") || initials.starts_with("corf") ||
                            initials.starts_with("corp");
    if (!is_routine || parentheses_ != 0) return;
    if (word == "begin" || (word == "case" && begins_ > 0)) ++begins_;
    if (word == "end" && begins_ > 0) --begins_;
  }

  void End() {
    const std::string_view statement = text_.substr(start_, lexer_.position() - start_);
    begun_ = false;
    if (statement.starts_with("SET ")) TakeSetting(statement);
  }

  // Accepts settings that decide how the rest is read only in the form in which pg_dump writes them.
  void TakeSetting(std::string_view statement) {
    constexpr std::string_view kStrings = "SET standard_conforming_strings = ";
    constexpr std::string_view kEncoding = "SET client_encoding = '";
    if (statement.starts_with(kStrings)) {
      standard_strings_ = statement == std::string(kStrings) + "on;";
      if (!standard_strings_ && statement != std::string(kStrings) + "off;") Throw("has an unknown setting");
      lexer_.set_backslash_escapes(!standard_strings_);
      return;
    }
    if (statement.starts_with(kEncoding)) {
      const size_t end = statement.find('\'', kEncoding.size());
      formats::EncodingNamed(statement.substr(kEncoding.size(), end - kEncoding.size()));
      if (statement.substr(end) != "';") Throw("has an unknown setting");
      return;
    }
    std::string lower = Lower(statement);
    for (const char* name : {"standard_conforming_strings", "client_encoding", "names", "session", "local", "\""}) {
      if (std::string_view(lower).substr(4).starts_with(name)) Throw("has an unknown setting");
    }
  }

  [[noreturn]] void Throw(const char* what, const char* hint = kOldDumpHint) const {
    const size_t at = std::min(lexer_.position(), text_.size());
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at), '\n');
    throw Error(ErrorCode::kProtocol, fmt::format("the schema's text {}, near its line {}", what, line), hint);
  }

  std::string_view text_;
  formats::PsqlLexer lexer_;
  bool begun_ = false;  // A statement has begun and has not ended.
  size_t start_ = 0;
  int parentheses_ = 0;
  int begins_ = 0;
  size_t words_ = 0;
  std::array<char, 4> initials_{};
  bool standard_strings_ = true;
};

bool TakeName(std::string_view* text) {
  formats::PsqlLexer lexer(*text);
  const Token token = lexer.Next();
  const bool is_plain = token.kind == Kind::kWord;
  const bool is_quoted = token.kind == Kind::kName && token.closed && token.text.front() == '"' &&
                         token.text.find('\0') == std::string_view::npos;
  if (!is_plain && !is_quoted) return false;
  text->remove_prefix(token.text.size());
  return true;
}

bool TakeNames(std::string_view separator, std::string_view* text) {
  while (TakeName(text)) {
    if (!text->starts_with(separator)) return true;
    text->remove_prefix(separator.size());
  }
  return false;
}

// True for "(id, name)", and for an empty text, which a table without columns has.
bool IsColumnList(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != '(') return false;
  text.remove_prefix(1);
  return TakeNames(", ", &text) && text == ")";
}

}  // namespace

bool IsQuotedName(std::string_view text) { return TakeNames(".", &text) && text.empty(); }

void CheckSchemaTexts(const proto::SchemaVersion& schema) {
  const std::string_view pre_data = schema.pre_data();
  const uint64_t drops_at = schema.drops_at();
  if (drops_at > pre_data.size() || (drops_at != 0 && pre_data[drops_at - 1] != '\n')) {
    throw Error(ErrorCode::kProtocol, "the position of the DROPs in the schema's text is not at the end of a line");
  }
  StatementReader before(pre_data.substr(0, drops_at));
  before.Run();
  StatementReader all(pre_data);
  all.Run();
  if (all.standard_strings() != schema.standard_strings()) {
    throw Error(ErrorCode::kProtocol, "the schema's text has another standard_conforming_strings than its source");
  }
  // The text after the rows is read under the same settings.
  const std::string settings = all.standard_strings() ? "" : "SET standard_conforming_strings = off;";
  StatementReader(settings + schema.post_data()).Run();
}

void CheckSchemaNames(const proto::SchemaVersion& schema) {
  auto require = [](bool holds) {
    if (!holds)
      throw Error(ErrorCode::kProtocol, "the source's catalogue has a name that is not quoted as SQL requires");
  };
  for (const proto::Table& table : schema.tables()) {
    require(IsQuotedName(table.quoted_name()) && IsColumnList(table.copy_columns()) &&
            (table.load_through().empty() || IsQuotedName(table.load_through())));
  }
  for (const proto::Sequence& sequence : schema.sequences()) require(IsQuotedName(sequence.quoted_name()));
  for (const proto::LargeObjectGroup& group : schema.large_objects()) {
    if (group.objects().empty()) throw Error(ErrorCode::kProtocol, "a group of large objects is empty");
    for (const proto::LargeObject& object : group.objects()) {
      if (object.comment().find('\0') != std::string::npos) {
        throw Error(ErrorCode::kProtocol, "the comment of a large object contains a zero byte");
      }
    }
  }
}

void CheckStoredSchema(const proto::SchemaVersion& schema) {
  try {
    CheckSchemaNames(schema);
    CheckSchemaTexts(schema);
  } catch (const Error& error) {
    throw Error(ErrorCode::kCorrupt, error.what(),
                "none of it is used; take a new baseline (rotv-sync baseline --force), or ask for another file");
  }
}

}  // namespace rotv::schema
