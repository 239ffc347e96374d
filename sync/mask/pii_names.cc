#include "sync/mask/pii_names.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <vector>

namespace rotv::mask {
namespace {

// Returns a Latin-1 letter (in UTF-8) without its diacritics: "Straße" is "strasse", "prénom" is "prenom".
const char* WithoutSign(unsigned char second) {
  constexpr unsigned char kUpperToLower = 0x20;
  const unsigned char lower = second < 0xA0 ? static_cast<unsigned char>(second + kUpperToLower) : second;
  if (second == 0x9F) return "ss";
  if (lower <= 0xA5) return "a";
  if (lower == 0xA6) return "ae";
  if (lower == 0xA7) return "c";
  if (lower <= 0xAB) return "e";
  if (lower <= 0xAF) return "i";
  if (lower == 0xB1) return "n";
  if (lower >= 0xB2 && lower <= 0xB8) return "o";
  if (lower >= 0xB9 && lower <= 0xBC) return "u";
  return "y";
}

// Splits a name into words: "contactEmail2", "contact_email" and "CONTACT-EMAIL" are all contact, email.
std::vector<std::string> WordsOf(std::string_view name) {
  std::vector<std::string> words(1);
  bool was_lower = false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
    if (c == '\xC3' && i + 1 < name.size()) {
      words.back() += WithoutSign(static_cast<unsigned char>(name[++i]));
      was_lower = true;
      continue;
    }
    if ((!upper && !lower) || (upper && was_lower)) words.emplace_back();
    if (upper || lower) words.back().push_back(static_cast<char>(upper ? c - 'A' + 'a' : c));
    was_lower = lower;
  }
  std::erase(words, "");
  return words;
}

// True for the word and its plural: "emails", "addresses", "birthdays".
bool IsWord(std::string_view word, std::string_view wanted) {
  if (wanted.back() == '*') return word.starts_with(wanted.substr(0, wanted.size() - 1));
  if (!word.starts_with(wanted)) return false;
  const std::string_view end = word.substr(wanted.size());
  return end.empty() || end == "s" || (end == "es" && wanted.ends_with("ss"));
}

// Matches adjacent words, or the same words written as one: first, name; firstname.
struct Sign {
  explicit Sign(const std::string& text) {
    std::istringstream stream(text);
    for (std::string word; std::getline(stream, word, '_');) {
      joined += word;
      words.push_back(word);
    }
  }
  // Returns how many words of `name` follow the sign; nothing if the sign is not in it.
  std::optional<ptrdiff_t> WordsAfter(const std::vector<std::string>& name) const {
    for (auto word = name.begin(); word != name.end(); ++word) {
      if (IsWord(*word, joined)) return name.end() - word - 1;
    }
    if (words.size() == 1) return std::nullopt;
    const auto found = std::search(name.begin(), name.end(), words.begin(), words.end(), IsWord);
    if (found == name.end()) return std::nullopt;
    return name.end() - found - static_cast<ptrdiff_t>(words.size());
  }

  std::vector<std::string> words;
  std::string joined;
};

enum Kinds : unsigned { kInText = 1, kInNumbers = 2, kInDates = 4, kInUuids = 8 };

struct Group {
  const char* rule;
  unsigned kinds;
  const char* signs;  // A star matches any end.
};

// The first group that matches counts.
constexpr Group kGroups[] = {
    {"ip", kInText | kInNumbers, "ip ip_addr ip_address remote_addr remote_address client_addr"},
    {"password", kInText,
     "password passwd pwd passphrase passcode passwort kennwort mot_de_passe contrasena senha wachtwoord"},
    {"text", kInText | kInNumbers, "pin pin_code cvv cvc otp totp"},
    {"email", kInText, "email mail e_mail mailbox courriel correo epost email_address mail_address"},
    {"hash", kInText | kInUuids, "token secret api_key access_key private_key signing_key jwt"},
    {"hash", kInText,
     "session_id session_key cookie salt credential recovery_code backup_code auth_code device_id "
     "device_fingerprint biometric* imei imsi"},
    {"phone", kInText | kInNumbers,
     "phone phone_number telephone telefon* telefono telefoon mobile mobile_number mobil mobilnummer cell_phone fax "
     "telefax tel handy handynummer rufnummer celular movil gsm msisdn whatsapp"},
    {"first_name", kInText,
     "first_name given_name forename middle_name fname vorname prenom primer_nombre voornaam primeiro_nome"},
    {"last_name", kInText,
     "last_name surname family_name maiden_name lname nachname familienname geburtsname nom_de_famille apellido "
     "cognome sobrenome achternaam"},
    {"name", kInText,
     "full_name display_name contact_name customer_name person_name patient_name employee_name recipient_name "
     "card_holder account_holder beneficiary_name sender_name kontoinhaber nombre_completo nom_complet"},
    {"text", kInText, "user_name login nickname screen_name benutzername user_agent"},
    {"address", kInText,
     "street address strasse strassenname hausnummer adresse anschrift wohnort direccion indirizzo endereco domicilio "
     "street_name birthplace"},
    {"text", kInText | kInNumbers,
     "postcode postal_code post_code zip zip_code plz postleitzahl code_postal codigo_postal "
     "iban bic card_number credit_card cc_number account_number bank_account kontonummer sort_code routing_number "
     "ssn social_security sozialversicherung* svnr national_id national_insurance nino passport reisepass* "
     "personalausweis* ausweisnummer id_card identity_card identity_number driver_license driving_licence "
     "license_plate number_plate tax_id tax_number steuernummer steuer_id dni nif cpf curp bsn pesel codice_fiscale "
     "aadhaar insurance_number medical_record mrn"},
    {"date", kInText | kInNumbers | kInDates,
     "birth birthday birth_date birth_year birth_day birth_month dob born date_of_birth geburtsdatum geburtstag "
     "geburtsjahr naissance nacimiento nascita nascimento geboortedatum"},
    {"number", kInText | kInNumbers, "salary income wage gehalt lohn salaire salario net_worth"},
    {"text", kInText, "religion ethnicity sexual_orientation diagnosis"},
};

// After a sign, at the end of a name, these words mean that the column does not hold such a value, but says something
// about one, as in email_status and phone_country_code.
constexpr const char* kAbout =
    "count counter total type kind status format template subject provider version policy locale language lang "
    "algorithm method mode category class scope verified confirmed enabled disabled required consent sent at on expiry "
    "expires expiration event field column label placeholder frequency preference setting queue schema server host "
    "port app os limit attempt interval length size country_code dial_code";
// A number with such a name is mostly another table's key.
constexpr const char* kAboutInNumbers = "id index order rank";

std::vector<Sign> SignsOf(const char* text) {
  std::vector<Sign> signs;
  std::istringstream stream(text);
  for (std::string sign; stream >> sign;) signs.emplace_back(sign);
  return signs;
}

unsigned KindsOf(TypePart::Kind kind) {
  switch (kind) {
    case TypePart::Kind::kText:
      return kInText;
    case TypePart::Kind::kNumber:
      return kInNumbers;
    case TypePart::Kind::kDate:
      return kInDates;
    case TypePart::Kind::kUuid:
      return kInUuids;
    default:
      return 0;
  }
}

}  // namespace

std::string SuspectName(std::string_view name, TypePart::Kind kind) {
  struct Known {
    const Group* group;
    std::vector<Sign> signs;
  };
  static const std::vector<Known> kKnown = [] {
    std::vector<Known> known;
    for (const Group& group : kGroups) known.push_back({&group, SignsOf(group.signs)});
    return known;
  }();
  static const std::vector<Sign> kAboutIt = SignsOf(kAbout), kAboutItInNumbers = SignsOf(kAboutInNumbers);

  const unsigned kinds = KindsOf(kind);
  const std::vector<std::string> words = WordsOf(name);
  const auto ends_with = [&](const Sign& sign) { return sign.WordsAfter(words) == 0; };
  const auto is_about = [&] {
    return std::any_of(kAboutIt.begin(), kAboutIt.end(), ends_with) ||
           (kind == TypePart::Kind::kNumber &&
            std::any_of(kAboutItInNumbers.begin(), kAboutItInNumbers.end(), ends_with));
  };
  for (const auto& [group, signs] : kKnown) {
    if ((group->kinds & kinds) == 0) continue;
    for (const Sign& sign : signs) {
      const std::optional<ptrdiff_t> after = sign.WordsAfter(words);
      if (after && (*after == 0 || !is_about())) return group->rule;
    }
  }
  return "";
}

}  // namespace rotv::mask
