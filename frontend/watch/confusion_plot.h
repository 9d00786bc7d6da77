#ifndef WEFT_FRONTEND_WATCH_CONFUSION_PLOT_H_
#define WEFT_FRONTEND_WATCH_CONFUSION_PLOT_H_

#include <string>
#include <vector>

#include "frontend/io/picture.h"
#include "frontend/watch/confusion.h"

namespace weft {

// A confusion matrix, labels down, predictions across, as lines of text: a table with each class's
// precision, recall, F1 and IoU for up to kTableClasses classes; of more, the most frequent
// mistakes. Classes without a name are shown by number.
inline constexpr int64_t kTableClasses = 24;
std::string ConfusionText(const Confusion& confusion, const std::vector<std::string>& names);

// The same as an SVG file's text: cells are the darker, the larger their share of the label's row.
std::string ConfusionSvg(const Confusion& confusion, const std::vector<std::string>& names);

// And as a gray picture without text, at most 512 pixels a side: of more classes, the darkest of
// those that share a pixel.
Picture ConfusionPicture(const Confusion& confusion);

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_CONFUSION_PLOT_H_
