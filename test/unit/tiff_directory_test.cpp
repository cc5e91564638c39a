#include "engine/read/tiff_directory.h"

#include <gtest/gtest.h>

#include "reading.h"

namespace pg_ocr {
namespace {

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }
TiffPages pages_of_file(const std::string& name) { return tiff_pages(bytes_of(contents_of(data_path(name)))); }

/// Writes TIFF structures of either byte order and either width of offsets.
class TiffWriter {
  public:
    TiffWriter(bool big_endian, bool big_tiff) : big_endian_(big_endian), big_tiff_(big_tiff) {
        file_ = big_endian ? "MM" : "II";
        integer(big_tiff ? 43 : 42, 2);
        if (big_tiff) {
            integer(8, 2);
            integer(0, 2);
        }
        integer(big_tiff ? 16 : 8, offset_width());
    }
    /// A directory of these tags, each a 32-bit value, followed by the next one's offset (0: right behind).
    TiffWriter& directory(const std::vector<std::pair<uint16_t, uint32_t>>& tags, uint64_t next = 0,
                          bool last = false) {
        integer(tags.size(), big_tiff_ ? 8 : 2);
        for (auto [tag, value] : tags) {
            integer(tag, 2);
            integer(4, 2);
            integer(1, offset_width());
            integer(value, 4);
            if (big_tiff_) integer(0, 4);
        }
        uint64_t behind = file_.size() + offset_width();
        integer(last ? 0 : next != 0 ? next : behind, offset_width());
        return *this;
    }
    const std::string& file() const { return file_; }

  private:
    size_t offset_width() const { return big_tiff_ ? 8 : 4; }
    void integer(uint64_t value, size_t width) {
        for (size_t i = 0; i < width; ++i) file_ += static_cast<char>(value >> 8 * (big_endian_ ? width - 1 - i : i));
    }
    bool big_endian_, big_tiff_;
    std::string file_;
};

TEST(TiffPages, AreFoundInRealFiles) {
    TiffPages fax = pages_of_file("pillow-robust/total-pages-zero.tif");
    ASSERT_EQ(fax.pages.size(), 3u);
    EXPECT_EQ(fax.damage, "");
    EXPECT_EQ(fax.pages[0].width, 1728u);
    EXPECT_NEAR(fax.pages[0].horizontal_resolution, 204, 1);
    EXPECT_EQ(pages_of_file("pillow-robust/multipage_out_of_order.tiff").pages.size(), 3u);
    EXPECT_EQ(pages_of_file("pillow-robust/g4-multi.tiff").pages.size(), 3u);
}

TEST(TiffPages, InALoopAreFoundOnce) {
    TiffPages single = pages_of_file("pillow-robust/multipage_single_frame_loop.tiff");
    EXPECT_EQ(single.pages.size(), 1u);
    EXPECT_EQ(single.damage, "");
    EXPECT_EQ(pages_of_file("pillow-robust/multipage_multiple_frame_loop.tiff").pages.size(), 2u);
}

TEST(TiffPages, AreFoundInEveryFlavour) {
    for (bool big_endian : {false, true})
        for (bool big_tiff : {false, true}) {
            TiffWriter tiff(big_endian, big_tiff);
            tiff.directory({{256, 100}, {257, 50}, {274, 6}}).directory({{256, 200}, {257, 60}}, 0, true);
            TiffPages found = tiff_pages(bytes_of(tiff.file()));
            ASSERT_EQ(found.pages.size(), 2u) << big_endian << big_tiff;
            EXPECT_EQ(found.pages[0].width, 100u);
            EXPECT_EQ(found.pages[0].height, 50u);
            EXPECT_EQ(found.pages[0].orientation, 6);
            EXPECT_EQ(found.pages[1].width, 200u);
            EXPECT_EQ(found.pages[1].orientation, 1);
            EXPECT_EQ(found.damage, "");
        }
}

TEST(TiffPages, AreNeitherThumbnailsNorMasks) {
    TiffWriter tiff(false, false);
    tiff.directory({{256, 100}, {257, 50}}).directory({{254, 1}, {256, 10}, {257, 5}});
    tiff.directory({{254, 4}, {256, 100}, {257, 50}}).directory({{254, 2}, {256, 300}, {257, 50}}, 0, true);
    TiffPages found = tiff_pages(bytes_of(tiff.file()));
    ASSERT_EQ(found.pages.size(), 2u);
    EXPECT_EQ(found.pages[1].width, 300u);
}

TEST(TiffPages, BeforeADamageAreFoundAndTheDamageIsTold) {
    TiffWriter tiff(true, false);
    tiff.directory({{256, 100}, {257, 50}}).directory({{256, 100}, {257, 50}}, 0x7fffffff);
    TiffPages found = tiff_pages(bytes_of(tiff.file()));
    EXPECT_EQ(found.pages.size(), 2u);
    EXPECT_NE(found.damage, "");
}

TEST(TiffPages, OfAFileCutOffAnywhereAreNeverTooMany) {
    std::string whole = contents_of(data_path("pillow-robust/multipage.tiff"));
    ASSERT_EQ(tiff_pages(bytes_of(whole)).pages.size(), 3u);
    for (size_t length = 0; length < whole.size(); ++length) {
        TiffPages found = tiff_pages(bytes_of(whole.substr(0, length)));
        EXPECT_TRUE(found.pages.size() == 3 || !found.damage.empty()) << length;
    }
}

TEST(TiffPages, WhoseDirectoriesOverlapAreDamage) {
    std::string file(4000, '\1');  // a count read anywhere is 257 entries
    file.replace(0, 8, std::string("II*\0\x08\0\0\0", 8));
    file.replace(8 + 2 + 257 * 12, 4, std::string("\x14\0\0\0", 4));
    TiffPages found = tiff_pages(bytes_of(file));
    EXPECT_EQ(found.pages.size(), 1u);
    EXPECT_NE(found.damage, "");
}

TEST(TiffPages, WithWildCountsAreDamage) {
    TiffPages found = pages_of_file("pillow-robust/oom-225817ca0f8c663be7ab4b9e717b02c661e66834.tif");
    EXPECT_TRUE(found.pages.empty());
    EXPECT_NE(found.damage, "");
}

}  // namespace
}  // namespace pg_ocr
