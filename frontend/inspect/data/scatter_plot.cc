#include "frontend/inspect/data/scatter_plot.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "absl/strings/str_format.h"
#include "frontend/inspect/color_map.h"
#include "frontend/watch/plot_axis.h"

namespace weft {
namespace {

// Okabe and Ito's colors.
constexpr std::array<Rgb, 7> kScatterColors = {{{0x00, 0x72, 0xb2},
                                                {0xd5, 0x5e, 0x00},
                                                {0x00, 0x9e, 0x73},
                                                {0xcc, 0x79, 0xa7},
                                                {0xe6, 0x9f, 0x00},
                                                {0x56, 0xb4, 0xe9},
                                                {0x00, 0x00, 0x00}}};

// A mark as an SVG path from the point on, and as 7 rows of 7 pixels around it.
constexpr int64_t kScatterMarkSide = 7;
struct ScatterMark {
  const char* path;
  std::array<uint8_t, kScatterMarkSide> rows;
};
constexpr std::array<ScatterMark, 8> kScatterMarks = {{
    {"m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z", {0x1c, 0x3e, 0x7f, 0x7f, 0x7f, 0x3e, 0x1c}},
    {"m-2.7-2.7h5.4v5.4h-5.4z", {0x00, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x00}},
    {"m0-3.8l3.6 6.4h-7.2z", {0x08, 0x08, 0x1c, 0x1c, 0x3e, 0x3e, 0x7f}},
    {"m-3-2l1-1l2 2l2-2l1 1l-2 2l2 2l-1 1l-2-2l-2 2l-1-1l2-2z",
     {0x41, 0x63, 0x36, 0x1c, 0x36, 0x63, 0x41}},
    {"m0-3.8l3.8 3.8l-3.8 3.8l-3.8-3.8z", {0x08, 0x1c, 0x3e, 0x7f, 0x3e, 0x1c, 0x08}},
    {"m-1-3.4h2v2.4h2.4v2h-2.4v2.4h-2v-2.4h-2.4v-2h2.4z",
     {0x1c, 0x1c, 0x7f, 0x7f, 0x7f, 0x1c, 0x1c}},
    {"m0 3.8l3.6-6.4h-7.2z", {0x7f, 0x3e, 0x3e, 0x1c, 0x1c, 0x08, 0x08}},
    {"m-3.6-1.3h7.2v2.6h-7.2z", {0x00, 0x00, 0x7f, 0x7f, 0x7f, 0x00, 0x00}},
}};

constexpr int kScatterLegend = 140, kScatterMargin = 48, kScatterLine = 18;  // pixels
constexpr int64_t kMostLegendLines = 28;

const Rgb& ScatterColor(int64_t c) {
  return kScatterColors[static_cast<size_t>(c) % kScatterColors.size()];
}
const ScatterMark& ScatterMarkOf(int64_t c) {
  return kScatterMarks[static_cast<size_t>(c) % kScatterMarks.size()];
}

absl::Status CheckScatter(const Scatter& s) {
  if (s.coordinates.is_empty() || s.coordinates.dtype() != DType::kF32 ||
      s.coordinates.rank() != 2 || s.coordinates.dims()[1] < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("scatter: expected points f32[N,2] or of more columns, got ",
                     s.coordinates.is_empty() ? "nothing" : ToString(s.coordinates.type())));
  }
  const auto n = static_cast<size_t>(s.coordinates.dims()[0]);
  if (!s.classes.empty() && (s.classes.size() != n || *std::ranges::min_element(s.classes) < 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("scatter: expected a class of 0 or more for each of ", n, " points, got ",
                     s.classes.size(), " classes"));
  }
  if (s.numbers.empty() || s.numbers.size() == n) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("scatter: expected ", n, " numbers of points, got ", s.numbers.size()));
}

// The points where they are drawn.
struct PlacedPoints {
  explicit PlacedPoints(const Scatter& s) : scatter(s), x(AxisOf(s, 0)), y(AxisOf(s, 1)) {
    classes = std::set<int64_t>(s.classes.begin(), s.classes.end());
    if (classes.empty()) classes.insert(0);
  }
  static std::vector<double> Column(const Scatter& s, int64_t column) {
    std::vector<double> values;
    const int64_t step = s.coordinates.dims()[1];
    for (int64_t i = column; i < s.coordinates.size(); i += step) {
      values.push_back(s.coordinates.At(i));
    }
    return values;
  }
  static PlotAxis AxisOf(const Scatter& s, int64_t column) {
    const Series series{.name = "", .x = Column(s, column)};
    return PlotAxis::Of({&series, 1}, true, false);
  }
  int64_t size() const { return scatter.coordinates.dims()[0]; }
  int64_t ClassOf(int64_t i) const {
    return scatter.classes.empty() ? 0 : scatter.classes[static_cast<size_t>(i)];
  }
  int64_t NumberOf(int64_t i) const {
    return scatter.numbers.empty() ? i : scatter.numbers[static_cast<size_t>(i)];
  }
  std::string NameOf(int64_t c) const {
    const auto i = static_cast<size_t>(c);
    return i < scatter.class_names.size() ? scatter.class_names[i] : absl::StrCat("class ", c);
  }
  // Numbers that are not finite have no place.
  bool Shows(int64_t i) const { return x.Shows(Coordinate(i, 0)) && y.Shows(Coordinate(i, 1)); }
  double Coordinate(int64_t i, int64_t column) const {
    return scatter.coordinates.At(i * scatter.coordinates.dims()[1] + column);
  }

  const Scatter& scatter;
  PlotAxis x, y;
  std::set<int64_t> classes;  // that occur
};

std::string ScatterLabel(double x, double y, const char* more, const std::string& text) {
  return absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>\n", x, y, more, XmlText(text));
}

// Labels, frame and numbers.
std::string ScatterAxes(const PlacedPoints& points, const PlotOptions& o, double width,
                        double height) {
  const double left = kScatterMargin, top = kScatterMargin;
  std::string text = absl::StrFormat(
      "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" "
      "stroke=\"#bbbbbb\"/>\n",
      left, top, width, height);
  for (const double tick : points.x.Ticks(6)) {
    text += ScatterLabel(left + points.x.Place(tick) * width, top + height + 16,
                         " text-anchor=\"middle\"", TickText(tick));
  }
  for (const double tick : points.y.Ticks(6)) {
    text += ScatterLabel(left - 6, top + (1 - points.y.Place(tick)) * height + 4,
                         " text-anchor=\"end\"", TickText(tick));
  }
  text +=
      ScatterLabel(left + width / 2, 24, " text-anchor=\"middle\" font-weight=\"bold\"", o.title);
  text += ScatterLabel(left + width / 2, top + height + 36, " text-anchor=\"middle\"", o.x_label);
  const std::string turned = absl::StrFormat(
      " text-anchor=\"middle\" transform=\"rotate(-90 12 %.1f)\"", top + height / 2);
  return text + ScatterLabel(12, top + height / 2, turned.c_str(), o.y_label);
}

std::string ScatterLegend(const PlacedPoints& points, double left) {
  if (points.scatter.classes.empty()) return "";
  std::string text;
  double y = kScatterMargin + 8;
  int64_t lines = 0;
  for (const int64_t c : points.classes) {
    if (++lines > kMostLegendLines) {
      const auto more = static_cast<int64_t>(points.classes.size()) - kMostLegendLines;
      return text + ScatterLabel(left, y + 4, "", absl::StrCat("and ", more, " more"));
    }
    text += absl::StrFormat("<path fill=\"%s\" d=\"M%.1f %.1f%s\"/>\n", HexText(ScatterColor(c)),
                            left, y, ScatterMarkOf(c).path);
    text += ScatterLabel(left + 10, y + 4, "", points.NameOf(c));
    y += kScatterLine;
  }
  return text;
}

// The marks of class `c`, each with its title.
std::string ScatterClass(const PlacedPoints& points, int64_t c, double width, double height) {
  std::string text =
      absl::StrFormat("<g fill=\"%s\" fill-opacity=\"0.75\">\n", HexText(ScatterColor(c)));
  const std::string suffix = points.scatter.classes.empty() ? "" : ": " + XmlText(points.NameOf(c));
  for (int64_t i = 0; i < points.size(); ++i) {
    if (points.ClassOf(i) != c || !points.Shows(i)) continue;
    absl::StrAppendFormat(&text, "<path d=\"M%.1f %.1f%s\"><title>example %d%s</title></path>\n",
                          kScatterMargin + points.x.Place(points.Coordinate(i, 0)) * width,
                          kScatterMargin + (1 - points.y.Place(points.Coordinate(i, 1))) * height,
                          ScatterMarkOf(c).path, points.NumberOf(i), suffix);
  }
  return text + "</g>\n";
}

constexpr std::string_view kScatterLetters =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

char ScatterLetter(int64_t c) {
  return c < static_cast<int64_t>(kScatterLetters.size()) ? kScatterLetters[static_cast<size_t>(c)]
                                                          : '*';
}

// Which letter is which class, where it is not its name.
std::string ScatterLettersText(const PlacedPoints& points) {
  std::string text;
  for (const int64_t c : points.classes) {
    const std::string name = points.NameOf(c), letter(1, ScatterLetter(c));
    if (points.scatter.classes.empty() || letter == "*" || letter == name) continue;
    text += letter + " " + name + "\n";
  }
  return text;
}

void StampMark(Picture& picture, int64_t x, int64_t y, int64_t c) {
  for (int64_t row = 0; row < kScatterMarkSide; ++row) {
    for (int64_t column = 0; column < kScatterMarkSide; ++column) {
      if ((ScatterMarkOf(c).rows[static_cast<size_t>(row)] >> (kScatterMarkSide - 1 - column) &
           1) == 0)
        continue;
      const int64_t at = (y + row) * picture.width + x + column;
      std::ranges::copy(ScatterColor(c), picture.pixels.begin() + at * 3);
    }
  }
}

}  // namespace

absl::StatusOr<std::string> ScatterSvg(const Scatter& scatter, const PlotOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckScatter(scatter));
  const PlacedPoints points(scatter);
  const int legend = scatter.classes.empty() ? 12 : kScatterLegend;
  const double width = std::max(options.width - kScatterMargin - legend, 64);
  const double height = std::max(options.height - 2 * kScatterMargin, 64);
  std::string text = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
      "fill=\"white\"/>\n",
      options.width, options.height, options.width, options.height);
  text += ScatterAxes(points, options, width, height);
  for (const int64_t c : points.classes) text += ScatterClass(points, c, width, height);
  return text + ScatterLegend(points, kScatterMargin + width + 16) + "</svg>\n";
}

absl::StatusOr<Picture> ScatterPicture(const Scatter& scatter, int64_t side) {
  WEFT_RETURN_IF_ERROR(CheckScatter(scatter));
  if (side <= kScatterMarkSide || side > 8192) {
    return absl::InvalidArgumentError(absl::StrCat(
        "scatter: expected a side of ", kScatterMarkSide + 1, " to 8192 pixels, got ", side));
  }
  const PlacedPoints points(scatter);
  Picture picture = {.height = side, .width = side};
  picture.pixels.assign(static_cast<size_t>(side * side * 3), 255);
  const auto room = static_cast<double>(side - kScatterMarkSide);
  for (int64_t i = 0; i < points.size(); ++i) {
    if (!points.Shows(i)) continue;
    const double x = points.x.Place(points.Coordinate(i, 0)),
                 y = points.y.Place(points.Coordinate(i, 1));
    StampMark(picture, static_cast<int64_t>(x * room), static_cast<int64_t>((1 - y) * room),
              points.ClassOf(i));
  }
  return picture;
}

absl::StatusOr<std::string> ScatterText(const Scatter& scatter, int64_t columns, int64_t rows) {
  WEFT_RETURN_IF_ERROR(CheckScatter(scatter));
  if (columns < 2 || rows < 2 || columns * rows > 1 << 20) {
    return absl::InvalidArgumentError(absl::StrCat(
        "scatter: expected 2 or more columns and rows of text, got ", columns, " and ", rows));
  }
  const PlacedPoints points(scatter);
  std::vector<std::map<int64_t, int64_t>> cells(static_cast<size_t>(columns * rows));
  for (int64_t i = 0; i < points.size(); ++i) {
    if (!points.Shows(i)) continue;
    const auto place = [](double at, int64_t count) {
      return std::min(static_cast<int64_t>(at * static_cast<double>(count)), count - 1);
    };
    const int64_t column = place(points.x.Place(points.Coordinate(i, 0)), columns);
    const int64_t row = rows - 1 - place(points.y.Place(points.Coordinate(i, 1)), rows);
    ++cells[static_cast<size_t>(row * columns + column)][points.ClassOf(i)];
  }
  std::string text;
  for (int64_t row = 0; row < rows; ++row) {
    std::string line;
    for (int64_t column = 0; column < columns; ++column) {
      const auto& cell = cells[static_cast<size_t>(row * columns + column)];
      const auto most = std::ranges::max_element(cell, {}, [](const auto& c) { return c.second; });
      const char letter =
          scatter.classes.empty() ? 'o' : ScatterLetter(cell.empty() ? 0 : most->first);
      line += cell.empty() ? ' ' : letter;
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text + ScatterLettersText(points);
}

}  // namespace weft
