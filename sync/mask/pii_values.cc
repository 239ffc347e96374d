#include "sync/mask/pii_values.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "sync/mask/pii_names.h"

namespace rotv::mask {
namespace {

using View = std::string_view;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsOfOtherScript(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool IsAnyOf(char c, View of) { return of.find(c) != View::npos; }

// A picture for a high-resolution screen, such as "logo@2x.png", is no e-mail address.
bool IsFileEnding(View ending) {
  constexpr std::array<View, 9> kEndings = {"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "html"};
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

// True if there is an e-mail address anywhere in the text.
bool HasEmail(View text) {
  for (size_t at = text.find('@'); at != View::npos; at = text.find('@', at + 1)) {
    size_t end = at + 1;
    while (end < text.size() &&
           (IsLetter(text[end]) || IsDigit(text[end]) || IsAnyOf(text[end], ".-") || IsOfOtherScript(text[end]))) {
      ++end;
    }
    while (end > at + 1 && IsAnyOf(text[end - 1], ".-")) --end;  // Punctuation of the sentence.
    const View domain = text.substr(at + 1, end - at - 1);
    const size_t dot = domain.rfind('.');
    const bool named = at > 0 && (IsLetter(text[at - 1]) || IsDigit(text[at - 1]) || IsAnyOf(text[at - 1], "._%+-") ||
                                  IsOfOtherScript(text[at - 1]));
    if (!named || dot == View::npos || dot == 0 || domain.size() - dot < 3) continue;
    const View ending = domain.substr(dot + 1);
    if (std::none_of(ending.begin(), ending.end(), IsDigit) && !IsFileEnding(ending)) return true;
  }
  return false;
}

bool IsIp(View value) {
  const std::string address(value.substr(0, value.find('/')));
  std::array<unsigned char, sizeof(in6_addr)> binary = {};
  if (inet_pton(AF_INET, address.c_str(), binary.data()) == 1) return true;
  return address.size() > 6 && inet_pton(AF_INET6, address.c_str(), binary.data()) == 1;
}

// True for 13 to 19 digits with a valid check digit (Luhn), with or without spaces and hyphens, that begin as the
// numbers of card networks do.
bool IsCard(View value) {
  if (value.empty() || !IsAnyOf(value[0], "3456")) return false;
  int digits = 0, sum = 0;
  for (auto c = value.rbegin(); c != value.rend(); ++c) {
    if (*c == ' ' || *c == '-') continue;
    if (!IsDigit(*c)) return false;
    const int digit = *c - '0';
    sum += digits % 2 == 0 ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
    ++digits;
  }
  return digits >= 13 && digits <= 19 && sum % 10 == 0;
}

// Checks ISO 13616: the characters after the first four, followed by those four, with letters counted from 10 on, are 1
// modulo 97.
bool IsIban(View value) {
  std::string text(value);
  std::erase(text, ' ');
  if (text.size() < 15 || text.size() > 34 || !IsLetter(text[0]) || !IsLetter(text[1]) || !IsDigit(text[2])) {
    return false;
  }
  std::rotate(text.begin(), text.begin() + 4, text.end());
  unsigned rest = 0;
  for (char c : text) {
    if (!IsDigit(c) && !(c >= 'A' && c <= 'Z')) return false;
    rest = IsDigit(c) ? (rest * 10 + static_cast<unsigned>(c - '0')) % 97
                      : (rest * 100 + static_cast<unsigned>(c - 'A' + 10)) % 97;
  }
  return rest == 1;
}

// True for 15.1.2026, 2026-01-15, 01/15/2026.
bool IsDate(View value) {
  std::vector<size_t> groups(1);
  char sign = 0;
  for (char c : value) {
    if (IsDigit(c)) {
      ++groups.back();
    } else {
      if (sign != 0 && c != sign) return false;
      sign = c;
      groups.push_back(0);
    }
  }
  const auto day = [&](size_t i) { return groups[i] == 1 || groups[i] == 2; };
  return groups.size() == 3 && day(1) && ((groups[0] == 4 && day(2)) || (day(0) && groups[2] == 4));
}

// True for 7 to 15 digits in groups. Digits alone may be any number, unless they begin like a phone number.
bool IsPhone(View value) {
  int digits = 0, groups = 0;
  bool in_group = false;
  for (char c : value) {
    if (!IsDigit(c) && !IsAnyOf(c, "+ ()-/.")) return false;
    digits += IsDigit(c);
    groups += IsDigit(c) && !in_group;
    in_group = IsDigit(c);
  }
  if (digits < 7 || digits > 15 || IsDate(value)) return false;
  if (value[0] == '+') return true;
  if (groups == 1) return value[0] == '0' && value[1] != '0' && (digits == 10 || digits == 11);
  // Books (ISBN) and coordinates have such numbers.
  if ((digits == 13 && (value.starts_with("978") || value.starts_with("979"))) || value[0] == '-') return false;
  const auto dots = std::count(value.begin(), value.end(), '.');
  if (dots > 0 && dots + 1 < groups) return false;
  return groups >= 3 || (groups == 2 && dots == 0 && (value[0] == '0' || value[0] == '('));
}

// True for password hashes in crypt's forms, JSON web tokens, private keys, and keys of services that are marked as
// such. Other random letters are as often harmless: numbers of pictures, orders, commits.
bool IsSecret(View value) {
  if (value.size() < 20) return false;
  if (value[0] == '$' && value.size() >= 30) {
    constexpr std::array<View, 8> kHashes = {"$2a$", "$2b$", "$2y$", "$argon2", "$5$", "$6$", "$scrypt", "$pbkdf2"};
    return std::any_of(kHashes.begin(), kHashes.end(), [&](View begin) { return value.starts_with(begin); });
  }
  if (value.starts_with("eyJ") && value.find('.') != View::npos) return value.find(' ') == View::npos;
  if (value.starts_with("-----BEGIN ")) return value.find("PRIVATE KEY") != View::npos;
  constexpr std::array<View, 10> kKeys = {"pbkdf2_",     "sk_live_", "rk_live_", "sk-",    "ghp_",
                                          "github_pat_", "xoxb-",    "xoxp-",    "glpat-", "AKIA"};
  return value.find(' ') == View::npos &&
         std::any_of(kKeys.begin(), kKeys.end(), [&](View begin) { return value.starts_with(begin); });
}

enum ValuePattern : unsigned { kEmail = 1, kIp = 2, kCard = 4, kIban = 8, kPhone = 16, kSecret = 32, kMember = 64 };

unsigned ValuePatternsOf(View piece) {
  unsigned value_patterns = HasEmail(piece) ? kEmail : 0U;
  if (piece.size() >= 7 && piece.size() <= 45) {
    if (IsIp(piece)) return value_patterns | kIp;
    if (IsCard(piece)) return value_patterns | kCard;
    if (IsIban(piece)) return value_patterns | kIban;
    if (IsPhone(piece)) return value_patterns | kPhone;
  }
  return value_patterns | (IsSecret(piece) ? kSecret : 0U);
}

// Returns the text in `\x616e6e61`; bytes that are no letters become spaces.
std::string TextOfBytes(View hexadecimal) {
  std::string text;
  const auto digit = [](char c) { return IsDigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  for (size_t i = 0; i + 1 < hexadecimal.size(); i += 2) {
    const int high = digit(hexadecimal[i]), low = digit(hexadecimal[i + 1]);
    if (high < 0 || low < 0) return "";
    const auto c = static_cast<char>(high * 16 + low);
    text.push_back(static_cast<unsigned char>(c) < ' ' ? ' ' : c);
  }
  return text;
}

constexpr View kMarks = "{}[](),<>:=\"";
constexpr int kDeepest = 4;

unsigned ValuePatternsIn(View value, int depth);

// Looks into a document, array or row value, perhaps cut off: at its strings, and at what is between its punctuation.
unsigned ValuePatternsInside(View value, int depth) {
  unsigned value_patterns = 0;
  std::string piece;
  for (size_t i = 0; i < value.size();) {
    piece.clear();
    const bool quoted = value[i] == '"';
    if (quoted) {
      // JSON and arrays escape a quote by a backslash, row values by a second quote.
      for (++i; i < value.size(); ++i) {
        const bool escaped = i + 1 < value.size() && (value[i] == '\\' || value.substr(i, 2) == "\"\"");
        if (!escaped && value[i] == '"') break;
        piece.push_back(value[escaped ? ++i : i]);
      }
      ++i;
    } else if (IsAnyOf(value[i], kMarks)) {
      ++i;
    } else {
      while (i < value.size() && !IsAnyOf(value[i], kMarks)) piece.push_back(value[i++]);
    }
    const size_t first = piece.find_first_not_of(" \t\n");
    if (first == std::string::npos) continue;
    piece = piece.substr(first, piece.find_last_not_of(" \t\n") - first + 1);
    value_patterns |= ValuePatternsIn(piece, depth + 1);
    const size_t next = value.find_first_not_of(' ', i);
    const bool is_member = quoted && next != View::npos && (value[next] == ':' || value.substr(next, 2) == "=>");
    if (is_member && !SuspectName(piece, TypePart::Kind::kText).empty()) value_patterns |= kMember;
  }
  return value_patterns;
}

unsigned ValuePatternsIn(View value, int depth) {
  if (value.starts_with("\\x")) {
    const std::string text = TextOfBytes(value.substr(2));
    return text.empty() || depth >= kDeepest ? 0 : ValuePatternsIn(text, depth + 1);
  }
  unsigned value_patterns = ValuePatternsOf(value);
  const bool has_inside = !value.empty() && (IsAnyOf(value[0], "{[(<\"") || value.find("\"=>") != View::npos);
  if (has_inside && depth < kDeepest) value_patterns |= ValuePatternsInside(value, depth);
  return value_patterns;
}

}  // namespace

Suspicion SuspectByValues(const std::vector<std::string>& values) {
  struct Kind {
    ValuePattern value_pattern;
    const char* rule;
    const char* what;
    // A column is suspected if at least three values, and one of this many, look so: the others may be placeholders or
    // test data, or texts of which only some contain an e-mail address.
    size_t one_of;
  };
  constexpr Kind kKinds[] = {{kEmail, "email", "like e-mail addresses, or contain some", 20},
                             {kIp, "ip", "like network addresses", 3},
                             {kCard, "text", "like card numbers", 3},
                             {kIban, "text", "like bank account numbers", 3},
                             {kPhone, "phone", "like phone numbers", 3},
                             {kSecret, "hash", "like password hashes or keys", 3},
                             {kMember, "json", "as if they had members with personal data, by their names", 3}};
  constexpr size_t kAtLeast = 3;
  std::vector<unsigned> value_patterns;
  for (const std::string& value : values) {
    if (!value.empty()) value_patterns.push_back(ValuePatternsIn(value, 0));
  }
  for (const Kind& kind : kKinds) {
    const auto alike = static_cast<size_t>(std::count_if(
        value_patterns.begin(), value_patterns.end(), [&](unsigned one) { return (one & kind.value_pattern) != 0; }));
    const bool enough = alike >= kAtLeast && alike * kind.one_of >= value_patterns.size();
    // A text that looks like an e-mail address is hardly anything else, so one of three is enough even if there are few
    // values yet.
    if (!enough && !(kind.value_pattern == kEmail && alike * 3 >= value_patterns.size() && alike > 0)) continue;
    return {kind.rule, fmt::format("its values ({} of {} look {})", alike, value_patterns.size(), kind.what)};
  }
  return {};
}

}  // namespace rotv::mask
