#include "storage/source_removal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "storage/atomic_file.h"
#include "storage/workspace.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::ErrorOf;
using testing::TempDir;

const auto* const removal_children = ::testing::AddGlobalTestEnvironment(new testing::ChildEnvironment({
    {"hold source x",
     [](const fs::path& home) {
       const Workspace workspace(home, "x", "pull");
       std::cout << "holding" << std::endl;
       while (true) pause();
     }},
}));

class SourceRemovalTest : public ::testing::Test {
 protected:
  // Stores a source of this name.
  void Store(const std::string& name) {
    Workspace workspace(home_.path(), name, "baseline");
    const fs::path path = workspace.MakeStoreDirectory("1");
    {
      const auto store = RowStore::Open(path, RowStore::Mode::kCreate);
      RowStore::Addition addition;
      addition.schema = {Lsn(100), proto::SchemaVersion()};
      store->Publish(testing::StateAt(100), addition);
    }
    workspace.SetCurrent(path, proto::OwnedObjects(), Workspace::Before::kDelete);
  }
  fs::path Directory(const std::string& name) const { return home_.path() / "sources" / name; }

  TempDir home_;
};

TEST_F(SourceRemovalTest, NothingStaysOfTheSourceAndOthersStay) {
  Store("x");
  Store("y");
  RemoveStoredSource(home_.path(), "x", "source remove");
  EXPECT_FALSE(fs::exists(Directory("x")));
  EXPECT_TRUE(HasBaseline(home_.path(), "y"));
  size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(home_.path() / "sources")) ++entries;
  EXPECT_EQ(entries, 1U);
  const Error error = ErrorOf([&] { RemoveStoredSource(home_.path(), "x", "source remove"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  for (const char* name : {"..", "", ".hidden", "a/b"}) {
    EXPECT_EQ(ErrorOf([&] { RemoveStoredSource(home_.path(), name, "source remove"); }).code(), ErrorCode::kUsage);
  }
  Store("x");
  EXPECT_TRUE(HasBaseline(home_.path(), "x"));
}

TEST_F(SourceRemovalTest, ASourceThatIsInUseOrReadStays) {
  Store("x");
  {
    const Workspace reader(home_.path(), "x", "status", Access::kRead);
    const Error error = ErrorOf([&] { RemoveStoredSource(home_.path(), "x", "source remove"); });
    EXPECT_EQ(error.code(), ErrorCode::kInUse);
    EXPECT_NO_THROW(RowStore::Open(reader.CurrentStorePath(), RowStore::Mode::kReadOnly));
  }
  testing::Process holder(testing::RoleCommand("hold source x", home_.path()));
  ASSERT_TRUE(holder.WaitForOutput("holding", std::chrono::seconds(60))) << holder.Err();
  EXPECT_EQ(ErrorOf([&] { RemoveStoredSource(home_.path(), "x", "source remove"); }).code(), ErrorCode::kInUse);
  holder.Signal(SIGKILL);
  holder.Wait();
  RemoveStoredSource(home_.path(), "x", "source remove");
  EXPECT_FALSE(fs::exists(Directory("x")));
}

TEST_F(SourceRemovalTest, OnlyWhatIsOfNoUseIsEmpty) {
  Store("stored");
  { Workspace(home_.path(), "failed", "snapshot import").MakeStoreDirectory("import-1"); }
  {
    Workspace workspace(home_.path(), "with-a-slot", "baseline");
    workspace.AddOwned(proto::OwnedObjects());
  }
  { const Workspace workspace(home_.path(), "with-a-file", "baseline"); }
  WriteFileAtomically(Directory("with-a-file") / "store-of-somebody", "");
  { const Workspace workspace(home_.path(), "with-a-store", "baseline"); }
  fs::create_directories(Directory("with-a-store") / "store-1/x");
  fs::create_directories(Directory(".removed-old-1") / "store-1");
  const Workspace begins(home_.path(), "begins", "baseline");
  RemoveEmptySources(home_.path());
  for (const char* gone : {"failed", ".removed-old-1"}) EXPECT_FALSE(fs::exists(Directory(gone))) << gone;
  for (const char* there : {"stored", "with-a-slot", "with-a-file", "with-a-store", "begins"}) {
    EXPECT_TRUE(fs::exists(Directory(there))) << there;
  }
}

}  // namespace
}  // namespace rotv
