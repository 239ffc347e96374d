// Checks the source against cmake/rooms.txt: which folder may include which, that no module includes itself through
// others, and that namespaces follow the folders. The picture in docs/architecture.md must agree with that table.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace rotv {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = ROTV_SOURCE_DIR;

std::string TextOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

struct Room {
  std::string folder;
  std::set<std::string> may_include;
};

// The rooms in the order of the table. Lines are "folder: folder folder"; other lines are comments.
std::vector<Room> Rooms(const std::string& text) {
  std::vector<Room> rooms;
  for (const std::string& line : LinesOf(text)) {
    const size_t colon = line.find(':');
    if (line.empty() || !std::islower(static_cast<unsigned char>(line[0])) || colon == std::string::npos) continue;
    std::istringstream below(line.substr(colon + 1));
    rooms.push_back({line.substr(0, colon), {std::istream_iterator<std::string>(below), {}}});
  }
  return rooms;
}

std::vector<Room> TheRooms() { return Rooms(TextOf(kSource / "cmake/rooms.txt")); }

std::string FolderOf(const std::string& path) { return fs::path(path).parent_path().generic_string(); }

struct SourceFile {
  std::string path;                   // "sync/link/tunnel.cc"
  std::string text;                   // The whole text.
  std::vector<std::string> includes;  // Project headers only: "sync/link/tunnel.h".
};

const std::vector<SourceFile>& SourceFiles() {
  static const std::vector<SourceFile> kAll = [] {
    std::vector<SourceFile> files;
    for (const char* top : {"storage", "os", "sync", "cli"}) {
      for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kSource / top)) {
        const fs::path& path = entry.path();
        if (path.extension() != ".h" && path.extension() != ".cc") continue;
        SourceFile file{fs::relative(path, kSource).generic_string(), TextOf(path), {}};
        for (const std::string& line : LinesOf(file.text)) {
          if (!line.starts_with("#include \"")) continue;
          const std::string included = line.substr(10, line.find('"', 10) - 10);
          if (!included.starts_with("fmt/")) file.includes.push_back(included);
        }
        files.push_back(std::move(file));
      }
    }
    return files;
  }();
  return kAll;
}

TEST(RoomsTest, AFolderNamesOnlyFoldersBelowIt) {
  std::set<std::string> below;
  for (const Room& room : TheRooms()) {
    for (const std::string& other : room.may_include) {
      EXPECT_TRUE(below.contains(other)) << room.folder << " names " << other
                                         << ", which is not before it in the table";
    }
    EXPECT_TRUE(below.insert(room.folder).second) << room.folder << " is in the table twice";
  }
  EXPECT_GT(below.size(), 20u);
}

TEST(RoomsTest, AFileIncludesOnlyWhatItsFolderMayInclude) {
  std::map<std::string, std::set<std::string>> used;
  std::map<std::string, std::set<std::string>> allowed;
  for (const Room& room : TheRooms()) allowed[room.folder] = room.may_include;
  for (const SourceFile& file : SourceFiles()) {
    const std::string folder = FolderOf(file.path);
    ASSERT_TRUE(allowed.contains(folder)) << file.path << " is in a folder that cmake/rooms.txt does not know";
    for (const std::string& included : file.includes) {
      const std::string other = FolderOf(included);
      if (other == folder) continue;
      used[folder].insert(other);
      EXPECT_TRUE(allowed[folder].contains(other)) << file.path << " includes " << included;
    }
  }
  for (const auto& [folder, others] : allowed) {
    for (const std::string& other : others) {
      EXPECT_TRUE(used[folder].contains(other)) << folder << " includes nothing of " << other << " any more";
    }
  }
}

// A module is a header and its .cc.
TEST(RoomsTest, NoModuleIncludesItselfThroughOthers) {
  const auto module = [](const std::string& path) { return path.substr(0, path.rfind('.')); };
  std::map<std::string, std::set<std::string>> graph;
  for (const SourceFile& file : SourceFiles()) {
    for (const std::string& included : file.includes) {
      if (module(included) != module(file.path)) graph[module(file.path)].insert(module(included));
    }
  }
  std::set<std::string> done;
  std::vector<std::string> way;
  const std::function<void(const std::string&)> visit = [&](const std::string& name) {
    const auto before = std::find(way.begin(), way.end(), name);
    EXPECT_EQ(before, way.end()) << "a circle: "
                                 << ::testing::PrintToString(std::vector<std::string>(before, way.end()));
    if (before != way.end() || done.contains(name)) return;
    way.push_back(name);
    for (const std::string& next : graph[name]) visit(next);
    way.pop_back();
    done.insert(name);
  };
  for (const SourceFile& file : SourceFiles()) visit(module(file.path));
}

// storage, the verbs, what verbs are given and the commands are in namespace rotv itself: the words of the whole
// program.
std::string NamespaceOf(const std::string& folder) {
  static const std::set<std::string> kPlain = {"storage", "sync", "sync/context", "cli/rotv", "cli/rotv_sync"};
  return kPlain.contains(folder) ? "rotv" : "rotv::" + fs::path(folder).filename().string();
}

// A file may also declare a class of another room: "namespace rotv::postgres {", the class, "}".
TEST(RoomsTest, NamespacesFollowTheFolders) {
  for (const SourceFile& file : SourceFiles()) {
    const std::string of_folder = NamespaceOf(FolderOf(file.path));
    bool found = false;
    const std::vector<std::string> lines = LinesOf(file.text);
    for (size_t i = 0; i < lines.size(); ++i) {
      if (!lines[i].starts_with("namespace ") || !lines[i].ends_with(" {") || lines[i] == "namespace {") continue;
      const std::string name = lines[i].substr(10, lines[i].size() - 12);
      const bool own = name == of_folder || name.starts_with(of_folder + "::");
      const bool declares_one = i + 2 < lines.size() && lines[i + 1].ends_with(";") && lines[i + 2].starts_with("}");
      EXPECT_TRUE(own || declares_one) << file.path << ": " << name;
      found |= own;
    }
    EXPECT_TRUE(found) << file.path;
  }
}

TEST(RoomsTest, NoTwoFoldersShareANamespaceBelowRotv) {
  std::set<std::string> taken;
  for (const Room& room : TheRooms()) {
    const std::string name = NamespaceOf(room.folder);
    EXPECT_TRUE(name == "rotv" || taken.insert(name).second) << room.folder << ": " << name;
  }
}

TEST(RoomsTest, ThePictureMatchesTheRooms) {
  const std::string page = TextOf(kSource / "docs/architecture.md");
  const size_t begin = page.find("<!-- rooms:begin -->");
  const size_t end = page.find("<!-- rooms:end -->");
  ASSERT_NE(begin, std::string::npos);
  ASSERT_LT(begin, end);
  const std::vector<Room> shown = Rooms(page.substr(begin, end - begin));
  const std::vector<Room> rooms = TheRooms();
  ASSERT_EQ(shown.size(), rooms.size());
  for (size_t i = 0; i < rooms.size(); ++i) {
    EXPECT_EQ(shown[i].folder, rooms[i].folder);
    EXPECT_EQ(shown[i].may_include, rooms[i].may_include) << rooms[i].folder;
  }
}

// Reads the drawing above the list: each folder is in it by its name.
TEST(RoomsTest, TheDrawingHasEveryRoom) {
  const std::string page = TextOf(kSource / "docs/architecture.md");
  const std::string drawing = page.substr(0, page.find("<!-- rooms:begin -->"));
  for (const Room& room : TheRooms()) {
    const std::regex name("(^|[^a-z_/])" + room.folder + "(/|[^a-z_/]|$)");
    EXPECT_TRUE(std::regex_search(drawing, name))
        << room.folder << " is missing in the drawing of docs/architecture.md";
  }
}

// A module is named on the page as `folder/module`.
TEST(RoomsTest, ThePageNamesWhoStartsAThreadAndWhoTakesALock) {
  static const std::regex kThreadOrLock(
      R"(std::j?thread [a-z_]+\(|std::j?thread\(|std::j?thread> |std::async\(|\bflock\()");
  const std::string page = TextOf(kSource / "docs/architecture.md");
  size_t found = 0;
  for (const char* tree : {"sync", "cli", "storage", "os"}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kSource / tree)) {
      const fs::path extension = entry.path().extension();
      if (extension != ".cc" && extension != ".h") continue;
      const std::string text = TextOf(entry.path());
      // The expression takes seconds for the whole tree, and these words do not.
      const bool may_have = text.find("thread") != std::string::npos || text.find("async(") != std::string::npos ||
                            text.find("flock(") != std::string::npos;
      if (!may_have || !std::regex_search(text, kThreadOrLock)) continue;
      const std::string module = fs::relative(entry.path(), kSource).replace_extension().native();
      EXPECT_NE(page.find("`" + module + "`"), std::string::npos)
          << module << " has a thread or a lock that docs/architecture.md does not name";
      ++found;
    }
  }
  EXPECT_GT(found, 20u);
}

}  // namespace
}  // namespace rotv
