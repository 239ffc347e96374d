// The encodings of the store's rows: what is read is written again as the same bytes, keys order as their values do,
// and anything else is damage.

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "storage/lsn.h"
#include "storage/row_key.h"
#include "storage/row_version.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv {
namespace {

void CheckVersion(std::string_view bytes) {
  RowVersion version;
  if (!AcceptedOr(ErrorCode::kCorrupt, [&] { version = DecodeRowVersion(bytes); })) return;
  std::string again;
  AppendRowVersion(version, &again);
  const RowVersion second = DecodeRowVersion(again);
  FuzzCheck(second.kind == version.kind && second.shape == version.shape && second.count == version.count &&
            second.text == version.text);
}

void CheckVersionKey(std::string_view bytes) {
  VersionKey key;
  if (!AcceptedOr(ErrorCode::kCorrupt, [&] { key = DecodeVersionKey(bytes); })) return;
  FuzzCheck(EncodeVersionKey(key) == bytes);
  FuzzCheck(bytes.starts_with(EncodeRowPrefix(key.table, key.epoch, key.row_key)));
}

void CheckKeyColumns(std::string_view bytes) {
  std::string_view rest = bytes;
  if (AcceptedOr(ErrorCode::kCorrupt, [&] {
        const std::string text = TakeTextKey(&rest);
        std::string again;
        AppendTextKey(text, &again);
        FuzzCheck(again == bytes.substr(0, bytes.size() - rest.size()));
      })) {
    FuzzCheck(rest.size() < bytes.size());
  }
  rest = bytes;
  AcceptedOr(ErrorCode::kCorrupt, [&] {
    const int64_t number = TakeIntegerKey(&rest);
    std::string again;
    AppendIntegerKey(std::to_string(number), &again);
    FuzzCheck(again == bytes.substr(0, 8));
  });
}

int Sign(int value) { return (value > 0) - (value < 0); }

void CheckOrder(std::string_view bytes) {
  FuzzInput input(bytes);
  const std::string_view first = input.Line(), second = input.Rest();
  std::string a, b;
  AppendTextKey(first, &a);
  AppendTextKey(second, &b);
  FuzzCheck(Sign(a.compare(b)) == Sign(first.compare(second)));
  FuzzCheck(first == second || (!a.starts_with(b) && !b.starts_with(a)));
  const std::string after = AfterPrefix(std::string(first));
  FuzzCheck(after.empty() || (after > first && !after.starts_with(first)));

  std::string key;
  const bool is_number = AcceptedOr(ErrorCode::kProtocol, [&] { AppendIntegerKey(first, &key); });
  int64_t number = 0;
  const auto [end, error] = std::from_chars(first.data(), first.data() + first.size(), number);
  FuzzCheck(is_number == (!first.empty() && error == std::errc() && end == first.data() + first.size()));
  std::string other;
  if (!is_number || !AcceptedOr(ErrorCode::kProtocol, [&] { AppendIntegerKey(second, &other); })) return;
  std::string_view rest = other;
  const int64_t other_number = TakeIntegerKey(&rest);
  FuzzCheck((key < other) == (number < other_number));
}

// A partial row is filled column by column.
void CheckFilling(std::string_view bytes) {
  FuzzInput input(bytes);
  const std::string partial(input.Line()), older(input.Line());
  const auto columns = [](std::string_view line) { return std::count(line.begin(), line.end(), '\t'); };
  std::string filled = partial;
  bool complete = false;
  if (!AcceptedOr(ErrorCode::kCorrupt, [&] { complete = FillUnchanged(&filled, older); })) return;
  FuzzCheck(columns(filled) == columns(partial));
  std::string again = filled;
  FuzzCheck(FillUnchanged(&again, older) == complete && again == filled);
}

void CheckLsn(std::string_view bytes) {
  const std::optional<Lsn> lsn = Lsn::Parse(bytes);
  if (lsn) FuzzCheck(Lsn::Parse(lsn->ToString()) == lsn);
}

void CheckRowValues(std::string_view bytes) {
  CheckVersion(bytes);
  CheckVersionKey(bytes);
  CheckKeyColumns(bytes);
  CheckOrder(bytes);
  CheckFilling(bytes);
  CheckLsn(bytes);
}

}  // namespace
}  // namespace rotv

ROTV_FUZZ_TARGET(row_values, rotv::CheckRowValues)
