#ifndef WEFT_FRONTEND_CLI_DATA_H_
#define WEFT_FRONTEND_CLI_DATA_H_

#include <memory>
#include <string>

#include "frontend/data/open.h"
#include "graph/model.h"

namespace weft {

// What --data may be, for help.
inline constexpr char kDataHelp[] =
    "digits, digits:N, mnist:DIR, fashion-mnist:DIR, cifar10:DIR, cifar100:DIR, folder:DIR, "
    "masks:DIR, csv:FILE, npy:DIR, wav:DIR (see weft data), synthetic or synthetic:N, which fits "
    "any model";

// Whether the data are made for the model: "synthetic" or "synthetic:N".
bool IsSynthetic(const std::string& data);

// A data set as the model's input wants it. `opened` is it where somebody has opened it already.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenDataFor(
    const Model& model, const std::string& data, Split split,
    std::shared_ptr<const Dataset> opened = nullptr, const DataOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_DATA_H_
