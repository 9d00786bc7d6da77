#ifndef WEFT_TESTS_INSPECT_TESTING_SVG_H_
#define WEFT_TESTS_INSPECT_TESTING_SVG_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "testing_golden.h"
#include "tests/frontend/testing_files.h"

namespace weft {

// A drawing's text without its numbers and colors, and these.
struct SvgParts {
  std::string text;
  std::vector<double> numbers;
  std::vector<int> colors;  // a number a channel
};
inline SvgParts PartsOfSvg(const std::string& svg) {
  SvgParts parts;
  for (size_t i = 0; i < svg.size();) {
    const std::string_view color = std::string_view(svg).substr(i, 7);
    if (color.size() == 7 && color[0] == '#' &&
        color.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string_view::npos) {
      for (size_t c = 1; c < 7; c += 2) {
        parts.colors.push_back(std::stoi(std::string(color.substr(c, 2)), nullptr, 16));
      }
      parts.text += '#';
      i += color.size();
      continue;
    }
    const bool starts = (std::isdigit(static_cast<unsigned char>(svg[i])) != 0 ||
                         (svg[i] == '-' && i + 1 < svg.size() &&
                          std::isdigit(static_cast<unsigned char>(svg[i + 1])) != 0));
    if (starts) {
      char* end = nullptr;
      parts.numbers.push_back(std::strtod(&svg[i], &end));
      i = static_cast<size_t>(end - svg.data());
      parts.text += '0';
      continue;
    }
    parts.text += svg[i++];
  }
  return parts;
}

// How far a number of a drawing may be from that of the golden one: 1 (a pixel) and a hundredth, of
// those below 1 (shares, losses, rates) a tenth.
inline double SvgTolerance(double golden) {
  const double size = std::abs(golden);
  return size < 1 ? 1e-6 + 0.1 * size : 1 + 0.01 * size;
}

// The drawing is that of tests/golden/inspect/NAME.svg but for SvgTolerance and 4 levels of 255 a
// color's channel: kernels differ between machines. WEFT_UPDATE_GOLDEN=1 writes the file instead.
inline void ExpectGoldenSvg(const std::string& svg, const std::string& name) {
  const std::string path = GoldenFolder() + "/" + name + ".svg";
  if (std::getenv("WEFT_UPDATE_GOLDEN") != nullptr) {
    WriteText(path, svg);
    return;
  }
  const SvgParts golden = PartsOfSvg(ReadText(path)), drawn = PartsOfSvg(svg);
  ASSERT_EQ(golden.text, drawn.text) << name;
  ASSERT_EQ(golden.numbers.size(), drawn.numbers.size()) << name;
  for (size_t i = 0; i < golden.numbers.size(); ++i) {
    EXPECT_NEAR(golden.numbers[i], drawn.numbers[i], SvgTolerance(golden.numbers[i])) << name;
  }
  ASSERT_EQ(golden.colors.size(), drawn.colors.size()) << name;
  for (size_t i = 0; i < golden.colors.size(); ++i) {
    EXPECT_NEAR(golden.colors[i], drawn.colors[i], 4) << name;
  }
}

}  // namespace weft

#endif  // WEFT_TESTS_INSPECT_TESTING_SVG_H_
