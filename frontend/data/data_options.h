#ifndef WEFT_FRONTEND_DATA_DATA_OPTIONS_H_
#define WEFT_FRONTEND_DATA_DATA_OPTIONS_H_

#include <cstdint>
#include <string>

namespace weft {

// How data sets are read from files.
struct DataOptions {
  // Where nothing is set apart: this share of every class is held out, drawn by the seed. An error
  // where something is.
  double val_split = 0;
  int64_t split_seed = 0;
  // Unreadable files are left out when the data set is opened; otherwise they are errors when they
  // are read.
  bool skip_unreadable = false;
  // Height and width that pictures are resized to; 0: their own where all have one size of at most
  // 1024 a side, else 224.
  int64_t image_size = 0;
  // Of csv: by name, several separated by commas. None: "label", "class" or "target", or the last
  // column that says nothing else; "path", "file", "filename" or "image".
  std::string label_columns = {};
  std::string path_column = {};
  // Columns of numbers, several separated by commas. None: all that are nothing else, but beside
  // pictures no column.
  std::string feature_columns = {};
  // Of wav: sounds become mono at this rate and are cut or padded with silence to this length.
  int64_t sample_rate = 16000;
  double clip_seconds = 1;
  std::string audio_features = "log_mel";  // or "stft" or "waveform"
  int64_t mel_bands = 64;
  int64_t fft_size = 512;  // samples, a power of two
  int64_t fft_hop = 160;   // samples
};

template <typename F>
void VisitOptions(DataOptions& o, F& f) {
  f("val_split", o.val_split, "Share of every class held out, where the data have no such part");
  f("split_seed", o.split_seed, "Of the draw of what is held out");
  f("skip_unreadable", o.skip_unreadable, "Leave out unreadable files instead of failing");
  f("image_size", o.image_size,
    "Height and width of pictures (0: their own where all have one size of at most 1024 a side, "
    "else 224)");
  f("label_columns", o.label_columns, "csv: columns of the labels, separated by commas");
  f("path_column", o.path_column, "csv: column of the images' paths");
  f("feature_columns", o.feature_columns,
    "csv: columns of the features, separated by commas; beside images they are for a second input");
  f("sample_rate", o.sample_rate, "wav: samples a second that sounds are converted to");
  f("clip_seconds", o.clip_seconds, "wav: length that sounds are cut or padded to");
  f("audio_features", o.audio_features, "wav: log_mel, stft or waveform");
  f("mel_bands", o.mel_bands, "wav: bands of log_mel");
  f("fft_size", o.fft_size, "wav: samples of a frame, a power of two");
  f("fft_hop", o.fft_hop, "wav: samples from one frame to the next");
}

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_DATA_OPTIONS_H_
