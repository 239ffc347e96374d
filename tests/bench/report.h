// Collects the measurements of a run and prints them.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rotv::bench {

// Samples of one operation that is repeated.
struct Samples {
  std::string what;
  std::vector<double> seconds = {};
  std::vector<double> processor_seconds = {};  // Of the program alone, without the servers that work for it.
  std::vector<uint64_t> wire_bytes = {};       // In both directions, if they were counted.
  int64_t peak_kib = 0;                        // The highest of all samples.

  double Median() const;
  uint64_t MedianWireBytes() const;
};

struct Target {
  enum class Sense { kAtLeast, kAtMost };
  Sense sense = Sense::kAtLeast;
  double bound = 0;
};

// One line of the table.
struct Figure {
  std::string what;
  std::string ours;
  std::string theirs;
  std::string unit;  // Follows the ratio: "times as fast", "of its size".
  double value = 0;
  std::optional<Target> target = {};

  bool Missed() const;
};

class Report {
 public:
  void Fact(const std::string& name, const std::string& value) { facts_.push_back({name, value}); }

  // Reports how many times as fast as theirs ours is.
  void Speed(const std::string& what, const Samples& ours, const Samples& theirs, std::optional<Target> target);
  // Reports how many times as long as theirs ours takes.
  void Duration(const std::string& what, const Samples& ours, const Samples& theirs, std::optional<Target> target);
  void Size(const std::string& what, uint64_t ours, uint64_t theirs, std::optional<Target> target);
  void Compare(const std::string& what, uint64_t ours, const std::string& their_name, uint64_t theirs,
               std::optional<Target> target);
  // Reports the time itself.
  void Seconds(const std::string& what, const Samples& ours, Target target);
  // Reports the peak memory of all runs of one of our commands.
  void Memory(const std::string& what, int64_t peak_kib, Target target_mib);

  std::vector<std::string> Missed() const;
  std::string Text() const;
  std::string Markdown() const;
  std::string Json() const;

 private:
  struct NamedFact {
    std::string name;
    std::string value;
  };
  void Keep(const Samples& samples);

  std::vector<NamedFact> facts_;
  std::vector<Figure> figures_;
  std::vector<Samples> samples_;
};

}  // namespace rotv::bench
