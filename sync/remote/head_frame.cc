#include "sync/remote/head_frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "sync/remote/object_hash.h"

namespace rotv::remote {
namespace {

constexpr size_t kKeyLine = 44 + 1;        // In base64, with a line end.
constexpr size_t kSignatureLine = 88 + 1;  // The same.

struct Form {
  std::string_view magic;
  bool is_sealed;
  bool is_signed;

  size_t BeforeContent() const {
    return magic.size() + 2 * kHashBytes + 1 + (is_signed ? kKeyLine + kSignatureLine : 0);
  }
};
// A program that knows no signatures must not take a head that has one for a head without.
constexpr Form kForms[] = {{"rotv remote 1\n", false, false},
                           {"rotv sealed remote 1\n", true, false},
                           {"rotv remote 2\n", false, true},
                           {"rotv sealed remote 2\n", true, true}};

const Form& FormOf(Sealed sealed, bool is_signed) {
  return kForms[(is_signed ? 2 : 0) + (sealed == Sealed::kYes ? 1 : 0)];
}

// Nullptr if it begins like no head, or ends before its content.
const Form* FindForm(std::string_view bytes) {
  const auto* found = std::find_if(std::begin(kForms), std::end(kForms),
                                   [&](const Form& form) { return bytes.starts_with(form.magic); });
  return found == std::end(kForms) || bytes.size() < found->BeforeContent() ? nullptr : found;
}

bool IsOfLaterFormat(std::string_view bytes) {
  for (const std::string_view start : {"rotv remote ", "rotv sealed remote "}) {
    if (!bytes.starts_with(start) || bytes.size() < start.size() + 2 * kHashBytes) continue;
    const std::string_view version = bytes.substr(start.size(), bytes.find('\n') - start.size());
    const bool is_number = !version.empty() && version.find_first_not_of("0123456789") == std::string_view::npos;
    return is_number && version != "1" && version != "2";
  }
  return false;
}

std::string_view AfterHash(std::string_view bytes, const Form& form) {
  return bytes.substr(form.magic.size() + 2 * kHashBytes + 1);
}

// With the magic, so that a signature is for nothing but a head of this form.
std::string Subject(const Form& form, std::string_view content) { return std::string(form.magic) + HashOf(content); }

[[noreturn]] void ThrowForged(const std::string& place) {
  throw Error(ErrorCode::kCorrupt, fmt::format("the head of the remote {} was changed after it was signed", place),
              "somebody who may write there has put it there: see who that is, then have it published again by "
              "rotv-sync publish --take-over");
}

// Throws kCorrupt unless the signature fits.
PublicKey SignerOf(std::string_view bytes, const Form& form, std::string_view content, const std::string& place) {
  std::optional<PublicKey> signer = PublicKeyOfText(AfterHash(bytes, form).substr(0, kKeyLine - 1));
  const std::optional<std::string> signature =
      SignatureOfText(AfterHash(bytes, form).substr(kKeyLine, kSignatureLine - 1));
  if (!signer || !signature || !IsSignedBy(*signer, Subject(form, content), *signature)) ThrowForged(place);
  return *signer;
}

}  // namespace

void ThrowDamagedHead(const std::string& place, const std::string& what) {
  throw Error(ErrorCode::kCorrupt, fmt::format("the head of the remote {} is damaged: {}", place, what),
              "have it published again: rotv-sync publish --take-over, on the machine that follows the source");
}

std::string FrameHead(std::string_view content, Sealed sealed, const SigningKey* key) {
  const Form& form = FormOf(sealed, key != nullptr);
  std::string after;
  if (key != nullptr) {
    after = fmt::format("{}\n{}\n", PublicKeyText(key->public_key), SignatureText(Sign(*key, Subject(form, content))));
  }
  after += content;
  return fmt::format("{}{}\n", form.magic, HashText(HashOf(after))) + after;
}

bool IsIntactHead(std::string_view bytes) {
  const Form* form = FindForm(bytes);
  return form != nullptr &&
         bytes.substr(form->magic.size(), 2 * kHashBytes + 1) == HashText(HashOf(AfterHash(bytes, *form))) + "\n";
}

HeadFrame OpenFrame(std::string_view bytes, const std::string& place) {
  if (IsOfLaterFormat(bytes)) {
    throw Error(ErrorCode::kUsage, fmt::format("the remote {} is of a later format", place),
                "use the newer rotv-sync that wrote it");
  }
  const Form* form = FindForm(bytes);
  if (form == nullptr) ThrowDamagedHead(place, "it does not begin like one");
  if (!IsIntactHead(bytes)) ThrowDamagedHead(place, "its hash is wrong");
  HeadFrame frame{.is_sealed = form->is_sealed, .signer = std::nullopt, .content = bytes.substr(form->BeforeContent())};
  if (form->is_signed) frame.signer = SignerOf(bytes, *form, frame.content, place);
  return frame;
}

void RequireSigner(std::string_view bytes, const std::string& place, const std::vector<PublicKey>& trusted) {
  const std::optional<PublicKey> signer = OpenFrame(bytes, place).signer;
  if (!signer && trusted.empty()) return;
  if (!signer) {
    // Whoever may write there could otherwise have people take what he likes.
    throw Error(ErrorCode::kCorrupt, fmt::format("the remote {} is not signed, and public_key says by whom", place),
                "ask whoever publishes it: have it signed (sign = true there), or remove public_key from rotv.toml");
  }
  if (trusted.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("the remote {} is signed, and rotv.toml does not say by whom", place),
                fmt::format("have the key from whoever publishes, where rotv-sync publish --status shows it; if it is "
                            "this one, add:  public_key = \"{}\"",
                            PublicKeyText(*signer)));
  }
  if (std::find(trusted.begin(), trusted.end(), *signer) != trusted.end()) return;
  throw Error(ErrorCode::kCorrupt,
              fmt::format("the remote {} is signed by another key than public_key, {}", place, PublicKeyText(*signer)),
              "ask whoever publishes it, by another way than the remote: if the key was changed there, add the new one "
              "to public_key");
}

}  // namespace rotv::remote
