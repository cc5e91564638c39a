// Every byte of a stored image by each kernel that this machine can run, held to what PNG says and to Leptonica.
#include "engine/samples/sample_kernels.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "engine/read/pixels.h"

namespace pg_ocr {
namespace {

std::vector<const SampleKernels*> all_that_run() {
    std::vector<const SampleKernels*> all;
    std::ranges::copy_if(sample_kernels(), std::back_inserter(all),
                         [](const SampleKernels* k) { return k->runs_here(); });
    return all;
}

/// As the standard has it, byte by byte.
int32_t predicted(uint8_t filter, int32_t left, int32_t above, int32_t corner) {
    const int32_t p = left + above - corner;
    const int32_t a = std::abs(p - left), b = std::abs(p - above), c = std::abs(p - corner);
    const int32_t paeth = a <= b && a <= c ? left : b <= c ? above : corner;
    const int32_t all[] = {0, left, above, (left + above) / 2, paeth};
    return all[filter];
}

using Rows = std::vector<std::vector<uint8_t>>;

Rows undone(const FilteredRows& rows, const std::vector<uint8_t>& above_all) {
    Rows all{above_all};
    for (size_t y = 0; y < rows.count; ++y) {
        const uint8_t* from = rows.bytes + y * (rows.row_size + 1);
        std::vector<uint8_t> row;
        for (size_t i = 0; i < rows.row_size; ++i) {
            const bool is_first = i < rows.pixel_size;
            const int32_t left = is_first ? 0 : row[i - rows.pixel_size];
            const int32_t corner = is_first ? 0 : all.back()[i - rows.pixel_size];
            row.push_back(static_cast<uint8_t>(from[i + 1] + predicted(from[0], left, all.back()[i], corner)));
        }
        all.push_back(row);
    }
    all.erase(all.begin());
    return all;
}

/// The filters come one by one, in runs as long as `run`, and in any order.
TEST(SampleKernels, UndoFiltersAsPngSays) {
    std::mt19937 random(1);
    for (const size_t pixel_size : {1, 2, 3, 4, 6, 8})
        for (const size_t width : {1, 2, 3, 4, 7, 14, 15, 16, 17, 18, 33, 70})
            for (const uint32_t run : {1, 2, 3, 4, 5, 16, 17}) {
                const size_t row_size = width * pixel_size, count = 19, stride = row_size + 8;
                std::vector<uint8_t> bytes(count * (row_size + 1) + 8), above(row_size);
                // Now and then such as are often equal.
                const uint32_t mask = random() % 2 == 0 ? 255 : 3;
                const auto any_byte = [&random, mask] { return static_cast<uint8_t>(random() & mask); };
                std::generate(bytes.begin(), bytes.end(), any_byte);
                std::generate(above.begin(), above.end(), any_byte);
                uint8_t filter = 0;
                for (size_t y = 0; y < count; ++y) {
                    if (y % run == 0) filter = static_cast<uint8_t>(random() % 5);
                    if (run > 3 && filter != 4) filter = static_cast<uint8_t>(random() % 5);
                    bytes[y * (row_size + 1)] = filter;
                }
                const FilteredRows rows{bytes.data(), count, row_size, pixel_size};
                const Rows expected = undone(rows, above);
                for (const SampleKernels* kernels : all_that_run()) {
                    std::vector<uint8_t> to(stride * (count + 1));
                    std::ranges::copy(above, to.begin());
                    kernels->undo_filters(rows, to.data() + stride, stride);
                    for (size_t y = 0; y < count; ++y) {
                        const auto row = to.begin() + static_cast<ptrdiff_t>((y + 1) * stride);
                        ASSERT_TRUE(std::equal(expected[y].begin(), expected[y].end(), row))
                            << kernels->name << ", " << width << " pixels of " << pixel_size << " bytes, row " << y
                            << ", runs of " << run;
                    }
                    EXPECT_TRUE(std::equal(above.begin(), above.end(), to.begin())) << kernels->name;
                }
            }
}

TEST(SampleKernels, MakeOfEveryColourTheGreyThatLeptonicaMakes) {
    constexpr int32_t width = 4096, height = 16;
    for (uint32_t red_part = 0; red_part < 256; ++red_part) {
        Pixels picture(pixCreate(width, height, 32));
        std::vector<uint8_t> bytes[2];
        for (uint32_t i = 0; i < 65536; ++i) {
            pixGetData(picture.get())[i] = red_part << 24 | i << 8;
            for (const size_t size : {3, 4}) {
                std::vector<uint8_t>& to = bytes[size - 3];
                to.insert(to.end(),
                          {static_cast<uint8_t>(red_part), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)});
                if (size == 4) to.push_back(static_cast<uint8_t>(7 * i));
            }
        }
        const Pixels expected(pixConvertRGBToLuminance(picture.get()));
        for (const SampleKernels* kernels : all_that_run())
            for (const size_t size : {3, 4}) {
                std::vector<uint32_t> grey(65536 / 4);
                kernels->grey_of(bytes[size - 3].data(), size, 65536, grey.data());
                ASSERT_TRUE(std::equal(grey.begin(), grey.end(), pixGetData(expected.get())))
                    << kernels->name << ", red " << red_part << ", " << size << " bytes";
            }
    }
}

/// Bytes behind which no byte can be read.
class BytesAtAnEnd {
  public:
    explicit BytesAtAnEnd(size_t size)
        : memory_(static_cast<uint8_t*>(
              mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))),
          begin_(memory_ + page - size) {
        EXPECT_EQ(mprotect(memory_ + page, page, PROT_NONE), 0);
        std::fill(begin_, memory_ + page, uint8_t{255});
    }
    ~BytesAtAnEnd() { munmap(memory_, 2 * page); }
    BytesAtAnEnd(const BytesAtAnEnd&) = delete;
    BytesAtAnEnd& operator=(const BytesAtAnEnd&) = delete;
    const uint8_t* data() const { return begin_; }

  private:
    static constexpr size_t page = 65536;
    uint8_t *memory_, *begin_;
};

/// A PPM's pixels are read from the document itself.
TEST(SampleKernels, MakeGreyOfAsManyPixelsAsThereAre) {
    for (const SampleKernels* kernels : all_that_run())
        for (const size_t size : {3, 4})
            for (size_t pixels = 1; pixels < 70; ++pixels) {
                const BytesAtAnEnd white(pixels * size);
                std::vector<uint32_t> grey((pixels + 3) / 4 + 1, 0x01020304), expected((pixels + 3) / 4, 0xffffffff);
                if (pixels % 4 != 0) expected.back() <<= 32 - 8 * (pixels % 4);
                expected.push_back(0x01020304);
                kernels->grey_of(white.data(), size, pixels, grey.data());
                EXPECT_EQ(grey, expected) << kernels->name << ", " << pixels << " pixels";
            }
}

}  // namespace
}  // namespace pg_ocr
