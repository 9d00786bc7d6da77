#include "passes/clean/min_cut.h"

#include "gtest/gtest.h"

namespace weft {
namespace {

//   source -> a (3) -> b (2) -> sink, and source -> b (4), a -> sink (1)
TEST(MinCutTest, TheCheapestChoiceHasTheFewestOnTheSourcesSide) {
  MinCut cut;
  const size_t a = cut.AddNode(), b = cut.AddNode(), alone = cut.AddNode();
  cut.AddEdge(MinCut::kSource, a, 3);
  cut.AddEdge(MinCut::kSource, b, 4);
  cut.AddEdge(a, b, 2);
  cut.AddEdge(b, MinCut::kSink, 5);
  cut.AddEdge(a, MinCut::kSink, 1);
  EXPECT_EQ(cut.Solve(), (std::vector<bool>{true, false, true, true, false}));
  EXPECT_EQ(alone, 4u);

  MinCut never;
  const size_t x = never.AddNode(), y = never.AddNode();
  never.AddEdge(MinCut::kSource, x, 2);
  never.AddEdge(x, y, MinCut::kNever);
  never.AddEdge(y, MinCut::kSink, 2);
  EXPECT_EQ(never.Solve(), (std::vector<bool>{true, false, false, false}));
}

}  // namespace
}  // namespace weft
