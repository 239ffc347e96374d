// libpq's own reading of its connection strings, so that nothing here takes them apart by hand.

#pragma once

#include <map>
#include <string>

namespace rotv {

struct Conninfo {
  std::map<std::string, std::string> values;  // By keyword; without those that the text leaves out.
  std::string error;                          // Why libpq does not understand the text. May hold a part of it.
};

// `text` is a URL or "keyword=value ...". Pure: nothing is opened, and neither environment nor service file is read.
Conninfo ParseConninfo(const std::string& text);

// The value of `keyword`; empty where the text leaves it out.
std::string ValueOf(const Conninfo& conninfo, const std::string& keyword);

}  // namespace rotv
