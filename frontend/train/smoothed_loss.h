#ifndef WEFT_FRONTEND_TRAIN_SMOOTHED_LOSS_H_
#define WEFT_FRONTEND_TRAIN_SMOOTHED_LOSS_H_

namespace weft {

// An exponential moving mean of losses, from the first one on without a bias towards zero (as
// Adam's moments are corrected: Kingma and Ba 2015, section 3). `kept`, in [0,1), is the share that
// the mean keeps of itself.
class SmoothedLoss {
 public:
  explicit SmoothedLoss(double kept = 0.98) : kept_(kept) {}

  // The mean with a further step's loss.
  double Add(double loss) {
    sum_ = kept_ * sum_ + (1 - kept_) * loss;
    weight_ = kept_ * weight_ + (1 - kept_);
    return sum_ / weight_;
  }

 private:
  double kept_;
  double sum_ = 0, weight_ = 0;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_SMOOTHED_LOSS_H_
