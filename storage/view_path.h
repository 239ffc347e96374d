// The paths of views (store_view.h), and how people know them.

#pragma once

#include <string>

namespace rotv {

// The directory, in that of a source, that has the views of it.
inline constexpr const char* kReadersName = "readers";

// The text with the path of each view's store replaced by that of the store.
std::string WithoutViews(std::string text);

}  // namespace rotv
