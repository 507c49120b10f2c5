#include "host/state_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace testudo::host {
namespace {

Settings other_places() {
  Settings s;
  s.device = "ipsec9";
  s.mark = 0x10;
  s.table = 777;
  s.rule = 778;
  return s;
}

class StateFile : public testing::Test {
 protected:
  StateFile() { EXPECT_NE(::mkdtemp(directory.data()), nullptr); }
  ~StateFile() override { std::filesystem::remove_all(directory); }

  std::string directory = std::filesystem::temp_directory_path().string() + "/state-XXXXXX";
  std::string path() const { return directory + "/attached"; }
};

TEST_F(StateFile, IsReadAsItWasWritten) {
  ASSERT_TRUE(write_state(path(), Settings{}));
  ASSERT_TRUE(write_state(path(), other_places()));
  const auto read = read_state(path());
  ASSERT_TRUE(read);
  EXPECT_TRUE(same_places(*read, other_places()));
  EXPECT_FALSE(same_places(*read, Settings{}));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{directory}, {}), 1) << "nothing beside it is left";
}

TEST_F(StateFile, WithoutOneNothingIsRead) {
  EXPECT_FALSE(read_state(path()));
  std::ofstream{path()} << "testudo0 67108864\n";
  EXPECT_FALSE(read_state(path())) << "cut short";
}

TEST_F(StateFile, AFailureLeavesWhatWasThere) {
  ASSERT_TRUE(write_state(path(), other_places()));
  std::filesystem::create_directory(path() + ".new");
  EXPECT_FALSE(write_state(path(), Settings{}));
  const auto read = read_state(path());
  ASSERT_TRUE(read);
  EXPECT_TRUE(same_places(*read, other_places()));
}

TEST_F(StateFile, IsNotWrittenThroughALink) {
  std::filesystem::create_symlink(directory + "/elsewhere", path() + ".new");
  EXPECT_TRUE(write_state(path(), Settings{}));
  EXPECT_FALSE(std::filesystem::exists(directory + "/elsewhere"));
  EXPECT_FALSE(std::filesystem::is_symlink(path()));
}

}  // namespace
}  // namespace testudo::host
