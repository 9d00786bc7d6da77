#ifndef WEFT_TESTS_INSPECT_TESTING_SVG_H_
#define WEFT_TESTS_INSPECT_TESTING_SVG_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "testing_golden.h"
#include "tests/frontend/testing_files.h"

namespace weft {

// A drawing's text without its numbers, and these.
struct SvgParts {
  std::string text;
  std::vector<double> numbers;
};
inline SvgParts PartsOfSvg(const std::string& svg) {
  SvgParts parts;
  for (size_t i = 0; i < svg.size();) {
    const bool hex = svg[i] == '#';  // a color stays text
    const bool starts = !hex && (std::isdigit(static_cast<unsigned char>(svg[i])) != 0 ||
                                 (svg[i] == '-' && i + 1 < svg.size() &&
                                  std::isdigit(static_cast<unsigned char>(svg[i + 1])) != 0));
    if (starts) {
      char* end = nullptr;
      parts.numbers.push_back(std::strtod(&svg[i], &end));
      i = static_cast<size_t>(end - svg.data());
      parts.text += '0';
      continue;
    }
    const size_t length = hex ? std::min<size_t>(7, svg.size() - i) : 1;
    parts.text += svg.substr(i, length);
    i += length;
  }
  return parts;
}

// The drawing is that of tests/golden/inspect/NAME.svg but for numbers that differ by 1 or a
// hundredth: kernels differ between machines. WEFT_UPDATE_GOLDEN=1 writes the file instead.
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
    EXPECT_NEAR(golden.numbers[i], drawn.numbers[i], 1 + 0.01 * std::abs(golden.numbers[i]))
        << name;
  }
}

}  // namespace weft

#endif  // WEFT_TESTS_INSPECT_TESTING_SVG_H_
