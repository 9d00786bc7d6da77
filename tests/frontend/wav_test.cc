#include "frontend/data/wav.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numbers>

#include "frontend/data/spectrum.h"
#include "tests/frontend/testing_data.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

std::string Little(uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
  return text;
}

std::string Wav(uint32_t kind, uint32_t channels, uint32_t rate, uint32_t bits,
                const std::string& data) {
  const std::string format = Little(kind, 2) + Little(channels, 2) + Little(rate, 4) +
                             Little(rate * channels * bits / 8, 4) +
                             Little(channels * bits / 8, 2) + Little(bits, 2);
  const std::string body = "WAVEfmt " + Little(16, 4) + format + "LIST" + Little(3, 4) +
                           std::string("abc\0", 4) + "data" +
                           Little(static_cast<uint32_t>(data.size()), 4) + data;
  return "RIFF" + Little(static_cast<uint32_t>(body.size()), 4) + body;
}

std::vector<float> Decoded(const std::string& wav) {
  const auto sound = DecodeWav(AsBytes(wav), "x.wav");
  EXPECT_TRUE(sound.ok()) << sound.status();
  return sound.ok() ? sound->samples : std::vector<float>();
}

TEST(Wav, ReadsEachElementType) {
  EXPECT_THAT(Decoded(Wav(1, 1, 8000, 8, std::string("\x80\x00\xc0", 3))),
              ElementsAre(0, -1, 0.5f));
  EXPECT_THAT(Decoded(Wav(1, 1, 8000, 16, std::string("\0\0\0\x80\0\x40", 6))),
              ElementsAre(0, -1, 0.5f));
  EXPECT_THAT(Decoded(Wav(1, 1, 8000, 24, std::string("\0\0\x80\0\0\x20", 6))),
              ElementsAre(-1, 0.25f));
  EXPECT_THAT(Decoded(Wav(1, 1, 8000, 32, Little(0x80000000, 4) + Little(0x40000000, 4))),
              ElementsAre(-1, 0.5f));
  EXPECT_THAT(Decoded(Wav(3, 1, 8000, 32, Little(std::bit_cast<uint32_t>(0.3f), 4))),
              ElementsAre(0.3f));
}

TEST(Wav, AveragesChannels) {
  EXPECT_THAT(Decoded(Wav(1, 2, 8000, 16, std::string("\0\x40\0\0\0\x20\0\x60", 8))),
              ElementsAre(0.25f, 0.5f));
}

TEST(Wav, SaysWhatIsWrong) {
  const auto error = [](const std::string& wav) {
    const auto sound = DecodeWav(AsBytes(wav), "x.wav");
    EXPECT_FALSE(sound.ok());
    return MessageOf(sound.status());
  };
  EXPECT_EQ(error("OggS"), "x.wav: expected a WAV file, the file has another signature");
  EXPECT_THAT(error(Wav(2, 1, 8000, 4, "ab")), HasSubstr("it has format 2 of 4 bits"));
  EXPECT_THAT(error(Wav(1, 0, 8000, 8, "ab")), HasSubstr("expected channels"));
  EXPECT_THAT(error(Wav(1, 1, 8000, 8, "")), HasSubstr("the WAV has no samples"));
  const std::string numbers = Little(0, 4) + Little(std::bit_cast<uint32_t>(NAN), 4);
  EXPECT_THAT(error(Wav(3, 1, 8000, 32, numbers)), HasSubstr("the WAV's sample 1 is nan"));
  const std::string whole = Wav(1, 1, 8000, 8, "ab");
  for (size_t i = 0; i + 2 <= whole.size() - 2; ++i) error(whole.substr(0, i));
}

std::vector<float> Sine(double hertz, int64_t rate, size_t count) {
  std::vector<float> samples(count);
  for (size_t i = 0; i < count; ++i) {
    samples[i] = static_cast<float>(std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) /
                                             static_cast<double>(rate)));
  }
  return samples;
}

TEST(Resampled, KeepsAToneAndRemovesWhatIsTooHigh) {
  const auto tone = Resampled(Sine(440, 8000, 800), 8000, 11025);
  EXPECT_EQ(tone.size(), 1103);  // 1102.5 rounded up
  const auto expected = Sine(440, 11025, tone.size());
  for (size_t i = 50; i + 50 < tone.size(); ++i) EXPECT_NEAR(tone[i], expected[i], 0.01) << i;
  const auto low = Resampled(Sine(3500, 16000, 1600), 16000, 4000);
  for (size_t i = 20; i + 20 < low.size(); ++i) EXPECT_NEAR(low[i], 0, 0.02) << i;
  EXPECT_EQ(Resampled(tone, 8000, 8000), tone);
}

TEST(Resampled, GivesNoMoreThanIsAskedFor) {
  const auto tone = Sine(440, 8000, 800);
  const auto whole = Resampled(tone, 8000, 11025);
  EXPECT_EQ(Resampled(tone, 8000, 11025, 7), std::vector<float>(whole.begin(), whole.begin() + 7));
  EXPECT_EQ(Resampled(tone, 8000, 8000, 7), std::vector<float>(tone.begin(), tone.begin() + 7));
  EXPECT_EQ(Resampled(tone, 1, 1000000, 3).size(), 3);  // of 800 million
}

TEST(PowerSpectrum, IsThatOfTheDefinition) {
  const size_t size = 16, hop = 5;
  std::vector<float> samples(40);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<float>(i * i % 11) - 5;
  const auto power = PowerSpectrum(samples, size, hop);
  const size_t frames = (samples.size() - size) / hop + 1;
  ASSERT_EQ(power.size(), 9 * frames);
  for (size_t k = 0; k < 9; ++k) {
    for (size_t f = 0; f < frames; ++f) {
      double re = 0, im = 0;
      for (size_t n = 0; n < size; ++n) {
        const double turn = 2 * std::numbers::pi * static_cast<double>(n) / size;
        const double x = samples[f * hop + n] * (0.5 - 0.5 * std::cos(turn));
        re += x * std::cos(turn * static_cast<double>(k));
        im -= x * std::sin(turn * static_cast<double>(k));
      }
      EXPECT_NEAR(power[k * frames + f], re * re + im * im, 1e-3) << k << " " << f;
    }
  }
}

TEST(MelFilters, AreTrianglesThatAddUpToOne) {
  const auto filters = MelFilters(8, 256, 8000);
  ASSERT_EQ(filters.size(), 8 * 129);
  // Between the first and the last triangle's top two neighbours meet.
  for (size_t k = 12; k < 90; ++k) {
    float sum = 0;
    for (size_t band = 0; band < 8; ++band) sum += filters[band * 129 + k];
    EXPECT_NEAR(sum, 1, 1e-5) << k;
  }
  EXPECT_EQ(filters[0], 0);
}

TEST(WavData, GivesWaveformsAndImagesOfSound) {
  const std::string folder = TestFolder();
  std::string data;
  for (const float x : Sine(1000, 4000, 100)) {
    data += Little(static_cast<uint32_t>(static_cast<int32_t>(x * 16384)), 2);
  }
  AddText(folder + "/beep/a.wav", Wav(1, 1, 4000, 16, data));
  AddText(folder + "/hum/b.WAV", Wav(1, 1, 4000, 16, std::string(400, '\0')));
  DataOptions options = {.sample_rate = 4000,
                         .clip_seconds = 0.04,
                         .audio_features = "waveform",
                         .fft_size = 64,
                         .fft_hop = 32};
  const auto waveform = Opened("wav:" + folder, Split::kTrain, options);
  ASSERT_NE(waveform, nullptr);
  EXPECT_EQ(waveform->example_dims(), (Dims{1, 160}));
  EXPECT_THAT(waveform->class_names(), ElementsAre("beep", "hum"));
  const auto samples = ReadAt(*waveform, 0).values;
  EXPECT_NEAR(samples[1], 0.5, 1e-4);
  EXPECT_EQ(samples[150], 0);  // silence after the end
  options.audio_features = "stft";
  const auto stft = Opened("wav:" + folder, Split::kTrain, options);
  EXPECT_EQ(stft->example_dims(), (Dims{1, 33, 4}));
  const auto power = ReadAt(*stft, 0).values;  // 1000 of 4000 Hz: frequency 16 of 64
  for (size_t k = 0; k < 33; ++k) EXPECT_LE(power[k * 4], power[16 * 4]) << k;
  EXPECT_THAT(ReadAt(*stft, 1).values,
              Pointwise(FloatNear(1e-4f), std::vector<float>(132, std::log(1e-10f))));
  options.audio_features = "log_mel";
  options.mel_bands = 6;
  EXPECT_EQ(Opened("wav:" + folder, Split::kTrain, options)->example_dims(), (Dims{1, 6, 4}));
}

TEST(WavData, UnreadableFilesAreErrorsWhenTheyAreRead) {
  const std::string folder = TestFolder();
  AddText(folder + "/a/good.wav", Wav(1, 1, 8000, 8, std::string(800, '\x90')));
  AddText(folder + "/b/bad.wav", "nothing");
  const auto dataset = Opened("wav:" + folder, Split::kTrain);
  ASSERT_NE(dataset, nullptr);
  EXPECT_TRUE(ReadAt(*dataset, 0).status.ok());
  EXPECT_THAT(MessageOf(ReadAt(*dataset, 1).status), HasSubstr("/b/bad.wav: expected a WAV file"));
  EXPECT_EQ(Opened("wav:" + folder, Split::kTrain, {.skip_unreadable = true})->size(), 1);
}

TEST(WavData, ChecksItsOptions) {
  const auto error = [](const DataOptions& options) {
    return OpenError("wav:/none", Split::kTrain, options);
  };
  EXPECT_THAT(error({.sample_rate = 0}), HasSubstr("expected a rate"));
  EXPECT_THAT(error({.clip_seconds = -1}), HasSubstr("a length above 0"));
  EXPECT_THAT(error({.audio_features = "mfcc"}), HasSubstr("got \"mfcc\""));
  EXPECT_THAT(error({.fft_size = 500}), HasSubstr("fft_size: expected a power of two"));
  EXPECT_THAT(error({.fft_hop = 0}), HasSubstr("expected at least 1"));
  EXPECT_THAT(error({}), HasSubstr("/none: expected a folder"));
}

}  // namespace
}  // namespace weft
