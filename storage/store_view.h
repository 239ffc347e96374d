// StoreView has the stores of one source as they were at one time, for a process that reads while another one writes:
// neither waits for the other, and no file is removed under a reader. Why that is so is said in store_view.cc.
//
//   HOME/sources/NAME/readers/XXXXXX/        one view; locked (flock) by its reader, so that others know a leftover
//   HOME/sources/NAME/readers/XXXXXX/store-* a store: its tables are hard links, its small files copies

#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/handle.h"
#include "storage/view_path.h"

namespace rotv {

class StoreView {
 public:
  // Makes an empty view in the directory of a source, and removes what killed readers have left there. Gives nothing if
  // that cannot be done: the directory cannot be written, or the disk is full.
  static std::optional<StoreView> Make(const std::filesystem::path& source_directory);
  StoreView(StoreView&& other) noexcept;
  StoreView& operator=(StoreView&& other) noexcept;
  // Removes it. Stores that were opened from it must be closed before.
  ~StoreView();

  // Calls `read`, which reads the records of the source and gives the names of the stores to view; then the view has
  // those stores, as they were while the records said so. What other processes change meanwhile has `read` called
  // again. A store that does not exist is not in the view, and damage of one is in its view too. Returns false if no
  // view can be made of these files (they cannot be linked, or the disk is full). Throws what `read` throws, kInUse if
  // the stores change all the time.
  bool Take(const std::function<std::vector<std::string>()>& read);

  // The directory that has the stores under their names.
  const std::filesystem::path& path() const { return path_; }

 private:
  StoreView(std::filesystem::path source_directory, std::filesystem::path path, FileDescriptor lock);

  std::filesystem::path source_directory_;
  std::filesystem::path path_;  // Empty: moved from.
  FileDescriptor lock_;
};

// Has `pause` called between the steps of every attempt to view a store, so that a test can change the store there.
// Null: nothing is called.
void PauseViews(std::function<void()> pause);

// Removes the views that killed readers have left in the directory of a source. Never throws: what cannot be removed is
// tried again by the next run.
void RemoveAbandonedViews(const std::filesystem::path& source_directory) noexcept;

// True if a process reads a view of the source in this directory now.
bool HasReaders(const std::filesystem::path& source_directory);

}  // namespace rotv
