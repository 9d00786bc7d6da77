#include "graph/dim.h"

#include <gtest/gtest.h>

#include <limits>

namespace weft {
namespace {

Dim D(std::string_view text) { return Dim::Parse(text).value(); }

TEST(DimTest, TextRoundTrips) {
  for (const char* text : {"0", "28", "N", "64*N", "N*T", "3*N*N*T"}) {
    EXPECT_EQ(D(text).ToString(), text);
  }
  EXPECT_EQ(D("T*2*N*3").ToString(), "6*N*T");
  EXPECT_EQ(D("0*N"), Dim(0));
}

TEST(DimTest, BadTextIsRefused) {
  for (const char* text : {"", "*", "2*", "-1", "99999999999999999999", "3x"}) {
    EXPECT_FALSE(Dim::Parse(text).ok()) << text;
  }
}

TEST(DimTest, SymbolsAreSortedWhateverTheOrderOfFactors) {
  EXPECT_EQ(Dim::Multiply(D("T"), D("2*N")), Dim::Multiply(D("N"), D("2*T")));
  EXPECT_EQ(Dim::Multiply(D("T"), D("2*N"))->symbols(), (std::vector<std::string>{"N", "T"}));
}

TEST(DimTest, MultiplyDetectsOverflow) {
  const Dim big(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Dim::Multiply(big, Dim(1)), big);
  EXPECT_EQ(Dim::Multiply(big, Dim(2)), std::nullopt);
  EXPECT_EQ(Dim::Multiply(big, Dim(0)), Dim(0));
}

TEST(DimTest, DivisionIsExactOrNothing) {
  EXPECT_EQ(Dim::DivideExactly(D("128*N"), D("2*N")), Dim(64));
  EXPECT_EQ(Dim::DivideExactly(D("6*N*N*T"), D("3*N")), D("2*N*T"));
  EXPECT_EQ(Dim::DivideExactly(D("7*N"), Dim(2)), std::nullopt);
  EXPECT_EQ(Dim::DivideExactly(D("4*N"), D("2*T")), std::nullopt);
  EXPECT_EQ(Dim::DivideExactly(Dim(4), Dim(0)), std::nullopt);
  EXPECT_EQ(Dim::DivideExactly(Dim(INT64_MIN), Dim(-1)), std::nullopt);
}

TEST(DimTest, AddTakesMultiplesOfTheSameSymbols) {
  EXPECT_EQ(Dim::Add(D("2*N"), D("N")), D("3*N"));
  EXPECT_EQ(Dim::Add(Dim(2), Dim(5)), Dim(7));
  EXPECT_EQ(Dim::Add(Dim(0), D("N")), D("N"));
  EXPECT_EQ(Dim::Add(D("N"), Dim(1)), std::nullopt);
  EXPECT_EQ(Dim::Add(D("N"), D("T")), std::nullopt);
}

TEST(DimTest, SubstituteReplacesWhatIsBound) {
  EXPECT_EQ(*D("2*N*T").Substitute({{"N", 8}}), D("16*T"));
  EXPECT_EQ(*D("2*N*T").Substitute({{"N", 8}, {"T", 3}, {"U", 9}}), Dim(48));
  EXPECT_EQ(*D("N*N").Substitute({{"N", 5}}), Dim(25));
  EXPECT_FALSE(D("N").Substitute({{"N", -1}}).ok());
  EXPECT_FALSE(D("N*N").Substitute({{"N", int64_t{1} << 40}}).ok());
}

}  // namespace
}  // namespace weft
