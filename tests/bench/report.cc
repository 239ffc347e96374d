#include "tests/bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/output/format.h"

namespace rotv::bench {
namespace {

template <typename T>
T MedianOf(std::vector<T> values) {
  if (values.empty()) return T{};
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : static_cast<T>((values[middle - 1] + values[middle]) / 2);
}

std::string Described(const Samples& samples) {
  std::string text = fmt::format("{:.2f} s", samples.Median());
  if (samples.seconds.size() > 1) {
    auto [least, most] = std::minmax_element(samples.seconds.begin(), samples.seconds.end());
    text += fmt::format(" ({:.2f}-{:.2f})", *least, *most);
  }
  if (!samples.processor_seconds.empty())
    text += fmt::format(", {:.2f} s of processor", MedianOf(samples.processor_seconds));
  if (!samples.wire_bytes.empty())
    text += fmt::format(", {} on the wire", output::HumanBytes(samples.MedianWireBytes()));
  return text;
}

std::string Wanted(const Figure& figure) {
  if (!figure.target) return "";
  return fmt::format("{} {:.3g}", figure.target->sense == Target::Sense::kAtLeast ? "at least" : "at most",
                     figure.target->bound);
}

std::string Verdict(const Figure& figure) { return !figure.target ? "" : figure.Missed() ? "MISSED" : "met"; }

std::string Ratio(const Figure& figure) { return fmt::format("{:.3g} {}", figure.value, figure.unit); }

using Cells = std::vector<std::string>;

std::vector<Cells> Lines(const std::vector<Figure>& figures) {
  std::vector<Cells> lines = {{"measured", "rotv-sync", "against", "result", "wanted", ""}};
  for (const Figure& figure : figures) {
    lines.push_back({figure.what, figure.ours, figure.theirs, Ratio(figure), Wanted(figure), Verdict(figure)});
  }
  return lines;
}

}  // namespace

double Samples::Median() const { return MedianOf(seconds); }
uint64_t Samples::MedianWireBytes() const { return MedianOf(wire_bytes); }

bool Figure::Missed() const {
  if (!target) return false;
  return target->sense == Target::Sense::kAtLeast ? value < target->bound : value > target->bound;
}

void Report::Keep(const Samples& samples) {
  for (const Samples& kept : samples_) {
    if (kept.what == samples.what) return;
  }
  samples_.push_back(samples);
}

void Report::Speed(const std::string& what, const Samples& ours, const Samples& theirs, std::optional<Target> target) {
  Keep(ours);
  Keep(theirs);
  figures_.push_back({.what = what,
                      .ours = Described(ours),
                      .theirs = theirs.what + ": " + Described(theirs),
                      .unit = "times as fast",
                      .value = theirs.Median() / ours.Median(),
                      .target = target});
}

void Report::Duration(const std::string& what, const Samples& ours, const Samples& theirs,
                      std::optional<Target> target) {
  Keep(ours);
  Keep(theirs);
  figures_.push_back({.what = what,
                      .ours = Described(ours),
                      .theirs = theirs.what + ": " + Described(theirs),
                      .unit = "of its time",
                      .value = ours.Median() / theirs.Median(),
                      .target = target});
}

void Report::Size(const std::string& what, uint64_t ours, uint64_t theirs, std::optional<Target> target) {
  Compare(what, ours, "plain dump: ", theirs, target);
}

void Report::Compare(const std::string& what, uint64_t ours, const std::string& their_name, uint64_t theirs,
                     std::optional<Target> target) {
  figures_.push_back({.what = what,
                      .ours = output::HumanBytes(ours),
                      .theirs = their_name + output::HumanBytes(theirs),
                      .unit = "of its size",
                      .value = static_cast<double>(ours) / static_cast<double>(theirs),
                      .target = target});
}

void Report::Seconds(const std::string& what, const Samples& ours, Target target) {
  Keep(ours);
  figures_.push_back(
      {.what = what, .ours = Described(ours), .theirs = "", .unit = "s", .value = ours.Median(), .target = target});
}

void Report::Memory(const std::string& what, int64_t peak_kib, Target target_mib) {
  figures_.push_back({.what = what,
                      .ours = "",
                      .theirs = "",
                      .unit = "MiB",
                      .value = static_cast<double>(peak_kib) / 1024,
                      .target = target_mib});
}

std::vector<std::string> Report::Missed() const {
  std::vector<std::string> missed;
  for (const Figure& figure : figures_) {
    if (figure.Missed()) missed.push_back(fmt::format("{}: {}, wanted {}", figure.what, Ratio(figure), Wanted(figure)));
  }
  return missed;
}

std::string Report::Text() const {
  std::vector<Cells> lines = Lines(figures_);
  std::vector<size_t> widths(lines[0].size());
  for (const Cells& cells : lines) {
    for (size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  std::string text;
  for (const NamedFact& fact : facts_) text += fmt::format("{}: {}\n", fact.name, fact.value);
  text += "\n";
  for (const Cells& cells : lines) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) line += fmt::format("{:<{}}  ", cells[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string Report::Markdown() const {
  std::string text;
  for (const NamedFact& fact : facts_) text += fmt::format("- {}: {}\n", fact.name, fact.value);
  text += "\n";
  std::vector<Cells> lines = Lines(figures_);
  for (size_t i = 0; i < lines.size(); ++i) {
    for (const std::string& cell : lines[i]) text += "| " + cell + " ";
    text += "|\n";
    if (i > 0) continue;
    for (size_t column = 0; column < lines[i].size(); ++column) text += "| --- ";
    text += "|\n";
  }
  return text;
}

std::string Report::Json() const {
  nlohmann::ordered_json document;
  for (const NamedFact& fact : facts_) document["facts"][fact.name] = fact.value;
  for (const Figure& figure : figures_) {
    nlohmann::ordered_json entry = {{"what", figure.what}, {"value", figure.value}, {"unit", figure.unit}};
    if (figure.target) {
      entry[figure.target->sense == Target::Sense::kAtLeast ? "at_least" : "at_most"] = figure.target->bound;
      entry["met"] = !figure.Missed();
    }
    document["figures"].push_back(entry);
  }
  for (const Samples& samples : samples_) {
    document["samples"].push_back({{"what", samples.what},
                                   {"seconds", samples.seconds},
                                   {"processor_seconds", samples.processor_seconds},
                                   {"wire_bytes", samples.wire_bytes},
                                   {"peak_rss_kib", samples.peak_kib}});
  }
  return document.dump(2) + "\n";
}

}  // namespace rotv::bench
