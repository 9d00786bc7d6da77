#ifndef WEFT_FRONTEND_DATA_SPLIT_H_
#define WEFT_FRONTEND_DATA_SPLIT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/data/data_options.h"
#include "frontend/data/dataset.h"

namespace weft {

// The examples of one split, ascending, where options.val_split of each class is held out for the
// test split: rounded, but of two and more examples at least one for either. `labels` has one
// entry an example; examples without classes all have one label. The same for the same labels and
// seed. Errors: a share outside (0, 1).
absl::StatusOr<std::vector<int64_t>> SplitIndices(std::span<const int64_t> labels, Split split,
                                                  const DataOptions& options);

// The examples of `source` at `indices`, in that order, under a name of its own. Errors: no index,
// one outside the source.
absl::StatusOr<std::shared_ptr<const Dataset>> SubsetDataset(std::shared_ptr<const Dataset> source,
                                                             std::vector<int64_t> indices,
                                                             std::string name);

// Where a data set's parts lie: DIR/train, and DIR/val, valid, validation or test, the first that
// there is; or DIR alone.
struct SplitFolders {
  std::string train;
  std::string held_out = {};  // none: empty
};
// Errors: no such folder.
absl::StatusOr<SplitFolders> FindSplitFolders(const std::string& folder);

// An error, which says what to do, where `split` cannot be had: nothing is set apart though the
// test split is asked for, or a share is to be held out though something is, or it is no share.
absl::Status CheckSplit(const std::string& name, bool has_held_out, Split split,
                        const DataOptions& options);

// "folder:pets (train)".
std::string SplitName(const std::string& spec, Split split, const std::string& note = "");

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_SPLIT_H_
