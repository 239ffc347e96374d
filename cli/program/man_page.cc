#include "cli/program/man_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "cli/program/declarations.h"

namespace rotv::program {
namespace {

// The code point that begins at text[*at], which moves behind it. Our own texts are UTF-8.
uint32_t NextCodePoint(const std::string& text, size_t* at) {
  const auto lead = static_cast<unsigned char>(text[(*at)++]);
  if (lead < 0x80) return lead;
  int more = 1;
  if (lead >= 0xE0) ++more;
  if (lead >= 0xF0) ++more;
  uint32_t point = lead & (0x3FU >> more);
  for (; more > 0 && *at < text.size(); --more)
    point = point << 6 | (static_cast<unsigned char>(text[(*at)++]) & 0x3FU);
  return point;
}

// `text` so that roff shows it as it is: hyphens can be copied into a shell, and no line is taken for a request.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (size_t at = 0; at < text.size();) {
    const bool line_begins = at == 0 || text[at - 1] == '\n';
    const uint32_t point = NextCodePoint(text, &at);
    if (line_begins && (point == '.' || point == '\'')) escaped += "\\&";
    switch (point) {
      case '\\':
        escaped += "\\e";
        break;
      case '-':
        escaped += "\\-";
        break;
      case '\'':
        escaped += "\\(aq";
        break;
      case '`':
        escaped += "\\(ga";
        break;
      case '^':
        escaped += "\\(ha";
        break;
      case '~':
        escaped += "\\(ti";
        break;
      default:
        escaped += point < 0x80 ? std::string(1, static_cast<char>(point)) : fmt::format("\\[u{:04X}]", point);
    }
  }
  return escaped;
}

// The argument of a macro.
std::string Quoted(const std::string& text) {
  std::string quoted;
  for (const char c : Escaped(text)) quoted += c == '"' ? std::string("\\(dq") : std::string(1, c);
  return "\"" + quoted + "\"";
}

std::string Bold(const std::string& text) { return "\\fB" + Escaped(text) + "\\fR"; }
std::string Italic(const std::string& text) { return "\\fI" + Escaped(text) + "\\fR"; }

std::string Unbroken(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string Verbatim(const std::string& lines) { return ".EX\n" + Escaped(lines) + ".EE\n"; }

// Paragraphs are filled; those whose lines are indented, such as tables, stay as they are.
std::string Paragraphs(const std::string& text) {
  std::string page;
  std::istringstream lines(text);
  std::string filled, verbatim;
  bool begins = true;
  const auto end_paragraph = [&] {
    if (!filled.empty()) page += (begins ? "" : ".PP\n") + Escaped(filled);
    if (!filled.empty()) begins = false;
    if (!verbatim.empty()) page += (begins ? "" : ".PP\n") + Verbatim(verbatim);
    if (!verbatim.empty()) begins = false;
    filled.clear();
    verbatim.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      end_paragraph();
    } else if (line.starts_with(' ')) {
      verbatim += line + "\n";
    } else {
      if (!verbatim.empty()) end_paragraph();
      filled += line + "\n";
    }
  }
  end_paragraph();
  return page;
}

std::string ArgumentName(const CLI::Option& argument) {
  const std::string kind = ValueName(argument);
  return kind.empty() ? argument.get_name(true) : kind;
}

std::string Synopsis(const CLI::App& command) {
  std::string text = Bold(PathOf(command));
  if (!OptionsOf(command).empty()) text += " [" + Italic("OPTIONS") + "]";
  for (const CLI::Option* argument : ArgumentsOf(command)) {
    const std::string name = Italic(ArgumentName(*argument)) + (IsRepeatable(*argument) ? " ..." : "");
    text += argument->get_required() ? " " + name : " [" + name + "]";
  }
  if (!CommandsOf(command).empty()) text += " " + Italic("COMMAND") + " ...";
  return text + "\n";
}

std::string Described(const std::string& head, const std::string& description) {
  return ".TP\n" + head + "\n" + Escaped(Unbroken(description)) + "\n";
}

// What the value may be stands behind the description, if there are few words for it.
std::string DescriptionOf(const CLI::Option& option) {
  const std::vector<std::string> words = AllowedWords(option);
  if (words.empty()) return option.get_description();
  return fmt::format("{}. One of: {}", option.get_description(), fmt::join(words, ", "));
}

std::string Options(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* option : OptionsOf(command)) {
    std::string head;
    for (const std::string& spelling : SpellingsOf(*option)) head += (head.empty() ? "" : ", ") + Bold(spelling);
    if (TakesValue(*option)) head += " " + Italic(ValueName(*option));
    text += Described(head, DescriptionOf(*option));
  }
  return text;
}

std::string Arguments(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* argument : ArgumentsOf(command)) {
    text += Described(Italic(ArgumentName(*argument)), DescriptionOf(*argument));
  }
  return text;
}

std::string Examples(const CLI::App& command) {
  const std::vector<std::string> examples = FooterOf(command).examples;
  return examples.empty() ? "" : Verbatim(fmt::format("{}\n", fmt::join(examples, "\n")));
}

std::string Section(const std::string& head, const std::string& text) {
  return text.empty() ? "" : ".SH " + head + "\n" + text;
}

// A command below that of the page: a part of its page.
std::string Part(const CLI::App& command) {
  std::string text = ".SS " + Quoted(PathOf(command)) + "\n" + Synopsis(command);
  text += ".PP\n" + Paragraphs(command.get_description());
  if (const std::string more = FooterOf(command).text; !more.empty()) text += ".PP\n" + Paragraphs(more);
  text += Arguments(command) + Options(command);
  if (const std::string examples = Examples(command); !examples.empty()) text += ".PP\n" + examples;
  return text;
}

std::string Hyphenated(const CLI::App& command) {
  std::string name = PathOf(command);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string Commands(const CLI::App& command) {
  const bool is_program = command.get_parent() == nullptr;
  std::string text;
  for (const CLI::App* below : CommandsOf(command)) {
    text += is_program ? Described(Bold(Hyphenated(*below)) + "(1)", below->get_description()) : Part(*below);
  }
  return text;
}

// The program's own page names its commands already.
std::string SeeAlso(const CLI::App& command) {
  if (command.get_parent() == nullptr) return "";
  return Bold(command.get_parent()->get_name()) + "(1), which has the options of every command.\n";
}

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

}  // namespace

ManPage ManPageOf(const CLI::App& command, const ManEdition& edition) {
  const CLI::App& program = command.get_parent() == nullptr ? command : *command.get_parent();
  const std::string name = Hyphenated(command);
  const Footer footer = FooterOf(command);
  std::string text =
      fmt::format(".TH {} 1 {} {} {}\n", Quoted(Upper(name)), "\"" + edition.date + "\"",
                  Quoted(program.get_name() + " " + edition.version), Quoted(program.get_name() + " manual"));
  text += Section("NAME", fmt::format("{} \\- {}\n", Escaped(name), Escaped(Unbroken(command.get_description()))));
  text += Section("SYNOPSIS", Synopsis(command));
  text += Section("DESCRIPTION", Paragraphs(footer.text.empty() ? command.get_description() : footer.text));
  text += Section("ARGUMENTS", Arguments(command));
  text += Section("OPTIONS", Options(command));
  text += Section("COMMANDS", Commands(command));
  text += Section("EXAMPLES", Examples(command));
  text += Section("SEE ALSO", SeeAlso(command));
  return {.file = name + ".1", .text = text};
}

std::vector<ManPage> ManPagesOf(const CLI::App& program, const ManEdition& edition) {
  std::vector<ManPage> pages{ManPageOf(program, edition)};
  for (const CLI::App* command : CommandsOf(program)) pages.push_back(ManPageOf(*command, edition));
  return pages;
}

}  // namespace rotv::program
