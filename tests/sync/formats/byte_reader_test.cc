#include "sync/formats/byte_reader.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/sync/formats/protocol_error.h"

namespace rotv {
namespace {

using namespace std::string_view_literals;

TEST(ByteReaderTest, IntegersAreBigEndian) {
  formats::ByteReader reader("\x81\x82\x03\x84\x05\x06\x07\x88\x09\x0a\x0b\x0c\x0d\x0e\x0f"sv);
  EXPECT_EQ(reader.Uint8(), 0x81);
  EXPECT_EQ(reader.Uint16(), 0x8203);
  EXPECT_EQ(reader.Uint32(), 0x84050607u);
  EXPECT_EQ(reader.Uint64(), 0x88090a0b0c0d0e0fu);
  reader.Finish();
}

TEST(ByteReaderTest, ProtocolTimeStartsIn2000) {
  EXPECT_EQ(formats::ByteReader("\0\0\0\0\0\0\0\0"sv).UnixTimeUs(), 946'684'800'000'000);
  EXPECT_EQ(formats::ByteReader("\xff\xff\xff\xff\xff\xff\xff\xff"sv).UnixTimeUs(), 946'684'799'999'999);
}

TEST(ByteReaderTest, CStringEndsAtItsZero) {
  formats::ByteReader reader("ab\0\0c"sv);
  EXPECT_EQ(reader.CString(), "ab");
  EXPECT_EQ(reader.CString(), "");
  EXPECT_EQ(reader.Rest(), "c");
  EXPECT_EQ(reader.Rest(), "");
}

TEST(ByteReaderTest, EveryReadBeyondTheEndIsAProtocolError) {
  ExpectProtocolError([] { formats::ByteReader("").Uint8(); });
  ExpectProtocolError([] { formats::ByteReader("a").Uint16(); });
  ExpectProtocolError([] { formats::ByteReader("abc").Uint32(); });
  ExpectProtocolError([] { formats::ByteReader("abcdefg").Uint64(); });
  ExpectProtocolError([] { formats::ByteReader("abcdefg").ReadLsn(); });
  ExpectProtocolError([] { formats::ByteReader("abcdefg").UnixTimeUs(); });
  ExpectProtocolError([] { formats::ByteReader("").CString(); });
  ExpectProtocolError([] { formats::ByteReader("abc").CString(); });
  ExpectProtocolError([] { formats::ByteReader("abc").Bytes(4); });
  ExpectProtocolError([] { formats::ByteReader("abc").Bytes(SIZE_MAX); });
}

TEST(ByteReaderTest, AnImpossibleCountIsRefusedBeforeAllocation) {
  EXPECT_EQ(formats::ByteReader("abcdefgh").CheckedCount(2, 4), 2u);
  EXPECT_EQ(formats::ByteReader("").CheckedCount(0, 4), 0u);
  ExpectProtocolError([] { formats::ByteReader("abcdefgh").CheckedCount(3, 4); });
  ExpectProtocolError([] { formats::ByteReader("abcdefgh").CheckedCount(SIZE_MAX, 4); });
}

TEST(ByteReaderTest, FinishRefusesRemainingBytes) {
  formats::ByteReader("").Finish();
  ExpectProtocolError([] { formats::ByteReader("a").Finish(); });
}

}  // namespace
}  // namespace rotv
