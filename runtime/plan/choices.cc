#include "runtime/plan/choices.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/op.h"

namespace weft {

std::string ChoiceText(const Node& node, const Kernel& kernel) {
  std::string text = absl::StrCat(kernel.implementation(), " (");
  for (int i = 0; i < node.num_inputs(); ++i) {
    const bool reads =
        node.input(i) && !node.op().input(static_cast<size_t>(i)).shape_only && kernel.Reads(i);
    absl::StrAppend(&text, i == 0 ? "" : ", ",
                    reads ? kernel.inputs()[static_cast<size_t>(i)].name() : "-");
  }
  absl::StrAppend(&text, ") -> (",
                  absl::StrJoin(kernel.outputs(), ", ",
                                [](std::string* out, const Layout& l) { *out += l.name(); }),
                  ")");
  return text;
}

}  // namespace weft
