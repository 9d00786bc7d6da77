#include <fstream>

#include "../frontend/testing_cli.h"
#include "frontend/io/decode.h"
#include "frontend/io/npy.h"
#include "testing_xml.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class CliInspectGraph : public Cli {
 protected:
  XmlDocument Xml(const std::string& name) const { return ReadXml(ReadText(Path(name))); }
};

TEST_F(CliInspectGraph, DrawsGraphs) {
  Train("a.weft");
  Output("show a.weft --svg a.svg");
  EXPECT_EQ(Xml("a.svg").error, "");
  EXPECT_EQ(Xml("a.svg").All("node").size(), 13u);  // 12 ops and the input
  EXPECT_THAT(Output("inspect a.weft graph --optimize -o b.svg"), HasSubstr("saved b.svg"));
  EXPECT_EQ(Xml("b.svg").All("fused").size(), 3u);
  // The same of a file that was optimized before.
  Output("optimize a.weft -o fast.weft");
  Output("inspect fast.weft graph --original a.weft -o c.svg");
  EXPECT_EQ(Xml("c.svg").All("source").size(), Xml("b.svg").All("source").size());
  EXPECT_EQ(Xml("c.svg").All("source")[0]->Get("data-op"), "Conv");
  Output("inspect fast.weft graph --no-shapes --horizontal --weights -o d.svg");
  EXPECT_EQ(Xml("d.svg").All("source")[0]->Get("data-op"), "");
  EXPECT_EQ(Xml("d.svg").error, "");
}

TEST_F(CliInspectGraph, SaysWhatIsWrong) {
  EXPECT_THAT(Error("inspect lenet graph"), HasSubstr("--output is required"));
  EXPECT_THAT(Error("inspect lenet graph -o a.png"), HasSubstr("ends in .svg, got a.png"));
  EXPECT_THAT(Error("inspect lenet graph -o no/a.svg"), HasSubstr("--output"));
  EXPECT_THAT(Error("inspect lenet graph -o a.svg --original b.weft"), HasSubstr("--original"));
  EXPECT_THAT(Error("inspect lenet memory -o a.png"), HasSubstr("ends in .svg or .json"));
  EXPECT_THAT(Error("inspect lenet memory --batch 0"), HasSubstr("expected at least 1, got 0"));
  EXPECT_THAT(Error("inspect lenet time --top -1"), HasSubstr("--top: expected at least 0"));
  EXPECT_THAT(Error("inspect lenet time --seconds 0"), HasSubstr("above 0"));
  const Outcome missing =
      Finish(Start("show resnet20_cifar --svg a.svg", "stdout", "PATH=/nowhere "));
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("dot is not installed: install graphviz"));
  EXPECT_FALSE(std::ifstream(Path("a.svg")).good());
}

TEST_F(CliInspectGraph, ShowsReceptiveFields) {
  Train("a.weft");
  const std::string text = Output("inspect a.weft receptive-field --at block2.conv --unit 3,4");
  EXPECT_THAT(text, HasSubstr("block2.conv, unit 3,4: sees 3..10 x 5..12 of 28x28\n"));
  EXPECT_THAT(text, HasSubstr("effective receptive field: "));
  Output("inspect a.weft receptive-field --at block2.conv --channel 3 --index 5 -o r.png");
  EXPECT_EQ(LoadPicture(Path("r.png"))->channels, 3);
  Output("inspect a.weft receptive-field --at block1.conv --examples 3 -o r.npy");
  EXPECT_EQ(ReadNpy(Path("r.npy"))->dims(), (Dims{28, 28}));
  EXPECT_THAT(Error("inspect a.weft receptive-field"), HasSubstr("--at is required"));
  EXPECT_THAT(Error("inspect a.weft receptive-field --at block9"), HasSubstr("no node is called"));
  EXPECT_THAT(Error("inspect a.weft receptive-field --at block2.conv --unit 14,0"),
              HasSubstr("a unit within [14,14], got 14,0"));
  EXPECT_THAT(Error("inspect a.weft receptive-field --at block2.conv --examples 0"),
              HasSubstr("--examples: expected at least 1, got 0"));
}

TEST_F(CliInspectGraph, ShowsMemoryAndTime) {
  Train("a.weft");
  const std::string text = Output("inspect a.weft memory --batch 4 -o m.svg");
  EXPECT_THAT(text, HasSubstr("peak "));
  EXPECT_THAT(text, HasSubstr("saved m.svg"));
  EXPECT_EQ(Xml("m.svg").error, "");
  Output("inspect a.weft memory --train --batch 4 -o m.json");
  EXPECT_THAT(ReadText(Path("m.json")), HasSubstr("\"arena_bytes\""));
  EXPECT_THAT(Output("inspect a.weft time --seconds 0.05"), HasSubstr("GFLOP/s"));
  Output("inspect a.weft time --seconds 0.05 --batch 2 -o t.svg");
  EXPECT_EQ(Xml("t.svg").error, "");
  EXPECT_GE(Xml("t.svg").All("bar").size(), 7u);
}

}  // namespace
}  // namespace weft
