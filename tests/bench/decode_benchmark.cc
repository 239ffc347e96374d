// Measures how fast bytes of the source become values, and values become lines.

#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "sync/formats/copy_text.h"
#include "sync/formats/dump_sections.h"
#include "sync/formats/pgoutput.h"
#include "sync/formats/row_check.h"

namespace rotv {
namespace {

void AppendBigEndian(uint64_t value, int size, std::string* out) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift & 0xFF));
}

std::string InsertMessage(int columns, size_t value_size) {
  std::string bytes = "I";
  AppendBigEndian(16384, 4, &bytes);
  bytes += 'N';
  AppendBigEndian(static_cast<uint64_t>(columns), 2, &bytes);
  for (int column = 0; column < columns; ++column) {
    bytes += 't';
    AppendBigEndian(value_size, 4, &bytes);
    bytes.append(value_size, 'v');
  }
  return bytes;
}

void DecodeInsert(benchmark::State& state) {
  std::string bytes = InsertMessage(static_cast<int>(state.range(0)), static_cast<size_t>(state.range(1)));
  for (auto _ : state) benchmark::DoNotOptimize(formats::pgoutput::Decode(bytes));
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(DecodeInsert)->ArgNames({"columns", "value_bytes"})->Args({4, 8})->Args({16, 12})->Args({4, 1'000'000});

// Text with a special byte after every `gap` others.
std::string TextWithSpecials(size_t size, size_t gap) {
  std::string text(size, 'a');
  for (size_t i = gap; i < size; i += gap + 1) text[i] = '\n';
  return text;
}

void Escape(benchmark::State& state) {
  std::string text = TextWithSpecials(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1)));
  std::string out;
  for (auto _ : state) {
    out.clear();
    formats::AppendCopyEscaped(text, &out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(Escape)
    ->ArgNames({"bytes", "gap"})
    ->Args({10, 1'000})
    ->Args({200, 40})
    ->Args({10'000, 3})
    ->Args({4'000'000, 5'000'000});

void Unescape(benchmark::State& state) {
  std::string field;
  formats::AppendCopyEscaped(TextWithSpecials(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1))),
                             &field);
  std::string scratch;
  for (auto _ : state) benchmark::DoNotOptimize(formats::UnescapeCopyField(field, &scratch));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(field.size()));
}
BENCHMARK(Unescape)
    ->ArgNames({"bytes", "gap"})
    ->Args({10, 1'000})
    ->Args({200, 40})
    ->Args({10'000, 3})
    ->Args({4'000'000, 5'000'000});

void SplitLine(benchmark::State& state) {
  size_t columns = static_cast<size_t>(state.range(0));
  std::string line;
  for (size_t column = 0; column < columns; ++column) {
    if (column > 0) line += '\t';
    line.append(static_cast<size_t>(state.range(1)), 'v');
  }
  std::vector<std::string_view> fields;
  for (auto _ : state) {
    formats::SplitCopyLine(line, columns, &fields);
    benchmark::DoNotOptimize(fields.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(line.size()));
}
BENCHMARK(SplitLine)->ArgNames({"columns", "value_bytes"})->Args({4, 8})->Args({16, 12})->Args({2, 4'000'000});

// Short fields, long ones, and text that is not ASCII.
void CheckLine(benchmark::State& state) {
  const auto columns = static_cast<size_t>(state.range(0));
  std::string line;
  for (size_t column = 0; column < columns; ++column) {
    if (column > 0) line += '\t';
    for (int64_t i = 0; i < state.range(1); ++i) line += state.range(2) != 0 && i % 2 == 0 ? "\xc3\xa4" : "v";
  }
  const formats::RowCheck check({.table = "t", .columns = columns, .encoding = formats::TextEncoding::kUtf8});
  for (auto _ : state) check.Line(line);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(line.size()));
}
BENCHMARK(CheckLine)
    ->ArgNames({"columns", "value_bytes", "umlauts"})
    ->Args({4, 8, 0})
    ->Args({16, 12, 0})
    ->Args({4, 200, 0})
    ->Args({4, 200, 1})
    ->Args({2, 4'000'000, 0});

// A dump of one table, with its rows in key order or in random order.
void Canonical(benchmark::State& state) {
  std::mt19937 random(1);
  std::string dump = "COPY public.t (id, note) FROM stdin;\n";
  for (int64_t row = 0; row < state.range(0); ++row) {
    int64_t id = 1'000'000'000 + (state.range(1) != 0 ? row : static_cast<int64_t>(random() % 1'000'000'000));
    dump += std::to_string(id) + "\tsome text that is as long as a row's often is, and then some more of it\n";
  }
  dump += "\\.\n";
  for (auto _ : state) benchmark::DoNotOptimize(formats::CanonicalDump(dump));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(dump.size()));
}
BENCHMARK(Canonical)->ArgNames({"rows", "sorted"})->Args({1'000'000, 1})->Args({1'000'000, 0});

}  // namespace
}  // namespace rotv
