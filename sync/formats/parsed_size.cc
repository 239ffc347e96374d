#include "sync/formats/parsed_size.h"

#include <google/protobuf/message.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "storage/varint.h"

namespace rotv::formats {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MessageFactory;
using google::protobuf::internal::WireFormatLite;

constexpr int kMostDepth = 50;        // The only recursion is a masking rule within a rule.
constexpr size_t kStringSize = 48;    // A string with the heap's overhead.
constexpr size_t kPointerSize = 16;   // An element of a repeated field's growing array, with overhead.
constexpr size_t kUnknownSize = 128;  // An unknown field, with the set that a message keeps them in.

class Counter {
 public:
  explicit Counter(size_t limit) : left_(limit) {}

  bool Add(const Descriptor& type, std::string_view bytes, int depth) {
    if (depth > kMostDepth || !Take(SizeOf(type) + kPointerSize)) return false;
    while (!bytes.empty()) {
      const std::optional<uint64_t> tag = TakeVarint(&bytes);
      if (!tag || !AddField(type.FindFieldByNumber(static_cast<int>(*tag >> 3)), *tag & 7, &bytes, depth)) return false;
    }
    return true;
  }

 private:
  bool AddField(const FieldDescriptor* field, uint64_t wire_type, std::string_view* bytes, int depth) {
    const bool known = IsExpected(field, wire_type);
    if (wire_type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      return AddDelimited(known ? field : nullptr, bytes, depth);
    }
    if (wire_type == WireFormatLite::WIRETYPE_VARINT) {
      if (!TakeVarint(bytes)) return false;
    } else {
      const size_t size = wire_type == WireFormatLite::WIRETYPE_FIXED64 ? 8 : 4;
      const bool is_fixed = size == 8 || wire_type == WireFormatLite::WIRETYPE_FIXED32;
      if (!is_fixed || bytes->size() < size) return false;
      bytes->remove_prefix(size);
    }
    return Take(known ? kPointerSize : kUnknownSize);
  }

  // A field with a wire type other than its own is kept as unknown.
  static bool IsExpected(const FieldDescriptor* field, uint64_t wire_type) {
    if (field == nullptr) return false;
    if (wire_type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED && field->is_packable()) return true;
    return wire_type == WireFormatLite::WireTypeForFieldType(static_cast<WireFormatLite::FieldType>(field->type()));
  }

  bool AddDelimited(const FieldDescriptor* field, std::string_view* bytes, int depth) {
    const std::optional<uint64_t> size = TakeVarint(bytes);
    if (!size || *size > bytes->size()) return false;
    const std::string_view content = bytes->substr(0, *size);
    bytes->remove_prefix(*size);
    if (field == nullptr) return Take(kUnknownSize + content.size());
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return Add(*field->message_type(), content, depth + 1);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) return Take(kStringSize + content.size());
    return Take(kPointerSize * content.size());  // Packed numbers.
  }

  size_t SizeOf(const Descriptor& type) {
    auto [found, is_new] = sizes_.try_emplace(&type, 0);
    if (is_new) found->second = MessageFactory::generated_factory()->GetPrototype(&type)->SpaceUsedLong();
    return found->second;
  }

  bool Take(size_t size) {
    if (size > left_) return false;
    left_ -= size;
    return true;
  }

  size_t left_;
  std::unordered_map<const Descriptor*, size_t> sizes_;
};

}  // namespace

bool FitsWhenParsed(const Descriptor& type, std::string_view bytes, size_t limit) {
  return Counter(limit).Add(type, bytes, 0);
}

}  // namespace rotv::formats
