#include <cstdlib>
#include <filesystem>

#include "frontend/io/decode.h"
#include "frontend/io/npy.h"
#include "tests/frontend/testing_cli.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class UnitCommands : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    std::filesystem::copy_file(WEFT_SOURCE_DIR "/tests/golden/inspect/digits.weft",
                               Path("digits.weft"),
                               std::filesystem::copy_options::overwrite_existing);
  }
  std::string Inspect(const std::string& arguments) const {
    return Output("inspect digits.weft " + arguments + " --threads 1");
  }
  std::string Refused(const std::string& arguments) const {
    return Error("inspect digits.weft " + arguments);
  }
  // Height and width of a picture that a command has written.
  Dims SizeOf(const std::string& name) const {
    const auto picture = LoadPicture(Path(name));
    EXPECT_TRUE(picture.ok()) << picture.status();
    return {picture->height, picture->width};
  }
};

const char kData[] = " --data digits:300";

TEST_F(UnitCommands, PatchesWritesASheet) {
  const std::string text =
      Inspect(std::string("patches --at block2.relu --unit 3 --unit 5 --count 4 -o p.png") + kData);
  EXPECT_THAT(text, AllOf(HasSubstr("block2.relu 3: "), HasSubstr("block2.relu 5: "),
                          HasSubstr("(example "), HasSubstr("saved p.png")));
  EXPECT_GT(SizeOf("p.png")[1], 200);
  EXPECT_THAT(Inspect(std::string("patches --count 2") + kData), HasSubstr("7: "));
}

TEST_F(UnitCommands, MaximizeWritesPicturesAndArrays) {
  const std::string ascent = "maximize --at block2.relu --unit 1 --unit 2 --steps 5 ";
  EXPECT_THAT(Inspect(ascent + "-o m.png"), HasSubstr("block2.relu 2: activation "));
  SizeOf("m.png");
  Inspect(ascent + "--place 3,4 --jitter 1 --parameters pixels --rule normalised --blur-every 2 " +
          "-o m.npy");
  EXPECT_EQ(ReadNpy(Path("m.npy"))->dims(), (Dims{2, 1, 28, 28}));
  EXPECT_THAT(Inspect(ascent), HasSubstr("\n"));
}

TEST_F(UnitCommands, PrototypesOfSomeClasses) {
  Inspect("prototypes --unit 7 --unit 2 --steps 3 -o p.npy");
  EXPECT_EQ(ReadNpy(Path("p.npy"))->dims(), (Dims{2, 1, 28, 28}));
  EXPECT_THAT(Refused("prototypes --unit 10 --steps 3"),
              HasSubstr("expected a channel from 0 to 9, got 10"));
}

TEST_F(UnitCommands, TheSameSeedWritesTheSameFile) {
  for (const char* file : {"a.npy", "b.npy"}) {
    Inspect(std::string("prototypes --steps 8 --jitter 2 --seed 3 -o ") + file);
  }
  EXPECT_EQ(*ReadNpy(Path("a.npy")), *ReadNpy(Path("b.npy")));
  Inspect("prototypes --steps 8 --jitter 2 --seed 4 -o c.npy");
  EXPECT_NE(*ReadNpy(Path("a.npy")), *ReadNpy(Path("c.npy")));
}

TEST_F(UnitCommands, DreamsHaveThePicturesSize) {
  WritePng(Path("large.png"), 40, 52);
  EXPECT_THAT(
      Inspect("deepdream --at block2.relu --image large.png --steps 3 --octaves 2 -o d.png"),
      HasSubstr("block2.relu: from "));
  EXPECT_EQ(SizeOf("d.png"), (Dims{40, 52}));
}

TEST_F(UnitCommands, StyleAndInversionTellHowNearTheyAre) {
  WritePng(Path("large.png"), 40, 52);
  EXPECT_THAT(Inspect(std::string("style --index 2 --style large.png --steps 5 -o s.png") + kData),
              AllOf(HasSubstr("content block1.relu: distance "),
                    HasSubstr("style block2.relu: distance ")));
  SizeOf("s.png");
  EXPECT_THAT(Inspect(std::string("invert --at block1.relu --steps 5 -o i.png") + kData),
              HasSubstr("features differ by "));
  EXPECT_EQ(SizeOf("i.png"), (Dims{224, 2 * 224 + 4}));
}

TEST_F(UnitCommands, SayWhatIsWrong) {
  EXPECT_THAT(Refused("patches --at block9 --data digits:300"), HasSubstr("block9"));
  EXPECT_THAT(Refused("maximize --steps 0"), HasSubstr("steps: expected 1 to 1,000,000, got 0"));
  EXPECT_THAT(Refused("maximize --parameters crayons"), HasSubstr("--parameters"));
  EXPECT_THAT(Refused("maximize --unit 10"), HasSubstr("expected a channel from 0 to 9, got 10"));
  EXPECT_THAT(Refused("prototypes -o p.jpg"), HasSubstr("--output"));
  EXPECT_THAT(Refused("deepdream"), HasSubstr("--at"));
  EXPECT_THAT(Refused("deepdream --at block1.relu --octaves 0"), HasSubstr("octaves"));
  EXPECT_THAT(Refused("style --style none.png --data digits:300"), HasSubstr("none.png"));
  EXPECT_THAT(Refused("invert --index 9999999 --data digits:300"), HasSubstr("expected an index"));
  EXPECT_THAT(Error("inspect char_lstm prototypes"), HasSubstr("expected scores [N,C]"));
}

}  // namespace
}  // namespace weft
