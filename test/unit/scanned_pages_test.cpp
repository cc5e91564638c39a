// Pages of PDFs that are one image are taken as they are stored: the picture is the one that poppler draws, and where
// that is not certain poppler draws it.
#include "engine/pdf/scanned_pages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include "engine/pdf/content_tokens.h"
#include "engine/pdf/packed_rows.h"
#include "engine/pdf/pipelines.h"
#include "engine/read/pdf.h"
#include "engine/read/tiff_file.h"
#include "reading.h"
#include "scoring.h"

namespace pg_ocr {
namespace {

constexpr int32_t wide = 300, high = 420;  // pixels, 300 to the inch: 72 by 100.8 points
constexpr int32_t dots = 300;

/// What makes a page; the image is /Im, object 5.
struct Parts {
    std::string page = "/MediaBox [0 0 72 100.8]";
    std::string content = "q 72 0 0 100.8 0 0 cm /Im Do Q";
    std::string resources;
    std::string image = "/ColorSpace /DeviceGray /BitsPerComponent 8";
    std::string data;
    int32_t width = wide, height = high;
    std::vector<std::string> more;  ///< objects from 6 on
};

std::string stream(const std::string& dictionary, const std::string& data) {
    return "<< " + dictionary + " /Length " + std::to_string(data.size()) + " >>\nstream\n" + data + "\nendstream";
}

std::string pdf_of(const Parts& parts) {
    std::vector<std::string> objects{"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                                     "<< /Type /Page /Parent 2 0 R " + parts.page +
                                         " /Contents 4 0 R /Resources << /XObject << /Im 5 0 R /Other 6 0 R >> " +
                                         parts.resources + " >> >>",
                                     stream("", parts.content),
                                     stream("/Type /XObject /Subtype /Image /Width " + std::to_string(parts.width) +
                                                " /Height " + std::to_string(parts.height) + ' ' + parts.image,
                                            parts.data)};
    objects.insert(objects.end(), parts.more.begin(), parts.more.end());
    std::string pdf = "%PDF-1.5\n", table;
    for (size_t i = 0; i < objects.size(); ++i) {
        char entry[32];
        std::snprintf(entry, sizeof entry, "%010zu 00000 n \n", pdf.size());
        table += entry;
        pdf += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
    }
    const std::string count = std::to_string(objects.size() + 1), at = std::to_string(pdf.size());
    return pdf + "xref\n0 " + count + "\n0000000000 65535 f \n" + table + "trailer << /Root 1 0 R /Size " + count +
           " >>\nstartxref\n" + at + "\n%%EOF\n";
}

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

/// A page that no turn and no flip leaves as it is; in few greys, so that all encodings have it.
uint32_t grey_at(int32_t x, int32_t y) {
    if (x > 20 && x < 120 && y > 20 && y < 80) return 0;
    if (x > 200 && x < 260 && y > 30 && y < 330) return 85;
    if (x > 40 && x < 160 && y > 300 && y < 380) return 170;
    return 255;
}
bool black_at(int32_t x, int32_t y) { return grey_at(x, y) < 100; }

Pixels picture(int32_t depth) {
    Pixels pixels(pixCreate(wide, high, depth));
    for (int32_t y = 0; y < high; ++y)
        for (int32_t x = 0; x < wide; ++x) {
            const uint32_t grey = grey_at(x, y);
            pixSetPixel(pixels.get(), x, y, depth == 1 ? black_at(x, y) : depth == 32 ? grey * 0x01010100u : grey);
        }
    return pixels;
}

/// Samples of so many bits, of which each stands for a grey of the picture: what is not there is the first.
std::string samples(uint32_t bits, const std::function<uint32_t(uint32_t grey)>& value, int32_t components = 1) {
    std::string rows;
    for (int32_t y = 0; y < high; ++y) {
        uint32_t pending = 0, count = 0;
        for (int32_t x = 0; x < wide * components; ++x) {
            pending = pending << bits | value(grey_at(x / components, y));
            if ((count += bits) < 8) continue;
            rows += static_cast<char>(pending);
            pending = count = 0;
        }
        if (count > 0) rows += static_cast<char>(pending << (8 - count));
    }
    return rows;
}
std::string greys() {
    return samples(8, [](uint32_t grey) { return grey; });
}
std::string colours() {
    return samples(
        8, [](uint32_t grey) { return grey; }, 3);
}
/// 1 is white.
std::string bits() {
    return samples(1, [](uint32_t grey) { return grey < 100 ? 0u : 1u; });
}

std::string jpeg(int32_t depth) {
    l_uint8* data = nullptr;
    size_t size = 0;
    pixWriteMemJpeg(&data, &size, picture(depth).get(), 95, 0);
    const std::string file(reinterpret_cast<const char*>(data), size);
    std::free(data);
    return file;
}
std::string jpeg2000(int32_t depth) {
    l_uint8* data = nullptr;
    size_t size = 0;
    pixWriteMemJp2k(&data, &size, picture(depth).get(), 45, 0, 0, 0);
    const std::string file(reinterpret_cast<const char*>(data), size);
    std::free(data);
    return file;
}
std::string group4() {
    std::string ink = bits();
    for (char& byte : ink) byte = static_cast<char>(~byte);
    return group4_of(wide, high, ink);
}
const std::string fax = "/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 300 /Rows 420 >> ";

std::optional<PageImage> stored(const std::string& pdf, const Limits& limits = {}) {
    ReadRequest request;
    request.dpi = dots;
    const PageImage drawn = open_pdf(bytes_of(pdf), request)->image_of(1);
    ShownPage shown{1, 1, pixGetWidth(drawn.pixels.get()) * 72.0 / dots, pixGetHeight(drawn.pixels.get()) * 72.0 / dots,
                    drawn.rotation};
    if (drawn.rotation % 180 != 0) std::swap(shown.width, shown.height);
    return ScannedPages(bytes_of(pdf), "").image_of(shown, limits);
}

PageImage drawn(const std::string& pdf) {
    ReadRequest request;
    request.dpi = dots;
    return open_pdf(bytes_of(pdf), request)->image_of(1);
}

Pixels in_greys(const Pixels& pixels) { return Pixels(pixConvertTo8(pixels.get(), 0)); }

/// Of each pixel by how much it is darker or brighter, on average.
double difference(const Pixels& one, const Pixels& other) {
    const Pixels a = in_greys(one), b = in_greys(other);
    double sum = 0;
    const int32_t width = std::min(pixGetWidth(a.get()), pixGetWidth(b.get()));
    const int32_t height = std::min(pixGetHeight(a.get()), pixGetHeight(b.get()));
    for (int32_t y = 0; y < height; ++y)
        for (int32_t x = 0; x < width; ++x) {
            l_uint32 first = 0, second = 0;
            pixGetPixel(a.get(), x, y, &first);
            pixGetPixel(b.get(), x, y, &second);
            sum += std::abs(static_cast<int32_t>(first) - static_cast<int32_t>(second));
        }
    return sum / width / height;
}

void expect_taken(const std::string& pdf, const std::string& what) {
    const std::optional<PageImage> image = stored(pdf);
    ASSERT_TRUE(image) << what;
    const PageImage by_poppler = drawn(pdf);
    EXPECT_NEAR(pixGetWidth(image->pixels.get()), pixGetWidth(by_poppler.pixels.get()), 1) << what;
    EXPECT_NEAR(pixGetHeight(image->pixels.get()), pixGetHeight(by_poppler.pixels.get()), 1) << what;
    EXPECT_EQ(image->dpi, dots) << what;
    EXPECT_EQ(image->rotation, by_poppler.rotation) << what;
    EXPECT_LT(difference(image->pixels, by_poppler.pixels), 3) << what;
}

Parts with(const std::string& image, const std::string& data) {
    Parts parts;
    parts.image = image;
    parts.data = data;
    return parts;
}

Parts plain() { return with("/ColorSpace /DeviceGray /BitsPerComponent 8", greys()); }

TEST(ScannedPages, AreTakenWhateverTheirFilter) {
    const std::string grey = "/ColorSpace /DeviceGray /BitsPerComponent 8 ",
                      rgb = "/ColorSpace /DeviceRGB /BitsPerComponent 8 ";
    expect_taken(pdf_of(plain()), "no filter");
    expect_taken(pdf_of(with(grey + "/Filter /FlateDecode", deflated(greys()))), "Flate");
    expect_taken(pdf_of(with(grey + "/Filter [/FlateDecode]", deflated(greys()))), "Flate in a list");
    expect_taken(pdf_of(with(rgb + "/Filter /FlateDecode", deflated(colours()))), "Flate, colours");
    std::string packed;
    Outlet outlet([&](std::string_view piece) { packed += piece; });
    PackedRows rows(outlet, wide * 3, 3);
    for (int32_t y = 0; y < high; ++y) rows.add(colours().substr(static_cast<size_t>(y) * wide * 3, wide * 3));
    rows.finish();
    expect_taken(
        pdf_of(with(rgb + "/Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors 3 /Columns 300 >>", packed)),
        "Flate, predicted");
    expect_taken(pdf_of(with(grey + "/Filter /DCTDecode", jpeg(8))), "JPEG");
    expect_taken(pdf_of(with(rgb + "/Filter /DCTDecode", jpeg(32))), "JPEG, colours");
    expect_taken(pdf_of(with("/Filter /JPXDecode", jpeg2000(8))), "JPEG 2000");
    expect_taken(pdf_of(with(rgb + "/Filter /JPXDecode", jpeg2000(32))), "JPEG 2000, colours");
    expect_taken(pdf_of(with("/ColorSpace /DeviceGray /BitsPerComponent 1 " + fax, group4())), "group 4");
    expect_taken(pdf_of(with("/ImageMask true " + fax, group4())), "a stencil");
}

TEST(ScannedPages, AreTakenWhateverTheirSamples) {
    for (const uint32_t depth : {1u, 2u, 4u, 8u}) {
        const uint32_t last = (1u << depth) - 1;
        const auto rounded = [&](uint32_t grey) { return (grey * last + 127) / 255; };
        const std::string space = " /BitsPerComponent " + std::to_string(depth);
        expect_taken(pdf_of(with("/ColorSpace /DeviceGray" + space, samples(depth, rounded))), std::to_string(depth));
        expect_taken(pdf_of(with("/ColorSpace /DeviceGray /Decode [1 0]" + space,
                                 samples(depth, [&](uint32_t grey) { return last - rounded(grey); }))),
                     std::to_string(depth) + " inverted");
        const uint32_t last_colour = std::min(last, 3u);
        const std::string palette = depth == 1 ? "<ffffff000000>" : "<ffffff000000aaaaaa555555>";
        const auto colour = [&](uint32_t grey) {
            if (depth == 1) return grey < 100 ? 1u : 0u;
            return grey == 0 ? 1u : grey == 170 ? 2u : grey == 85 ? 3u : 0u;
        };
        expect_taken(
            pdf_of(with("/ColorSpace [/Indexed /DeviceRGB " + std::to_string(last_colour) + ' ' + palette + ']' + space,
                        samples(depth, colour))),
            std::to_string(depth) + " with a palette");
    }
    const std::string rgb = "/ColorSpace /DeviceRGB /BitsPerComponent 8 ";
    std::string inverted = colours();
    for (char& byte : inverted) byte = static_cast<char>(~byte);
    expect_taken(pdf_of(with(rgb + "/Decode [1 0 1 0 1 0]", inverted)), "colours, inverted");
    const std::string bit = "/ColorSpace /DeviceGray /BitsPerComponent 1 ";
    std::string other_bits = bits();
    for (char& byte : other_bits) byte = static_cast<char>(~byte);
    expect_taken(
        pdf_of(with(bit + "/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 300 /BlackIs1 true >> /Decode [1 0]",
                    group4())),
        "a fax, inverted twice");
    expect_taken(pdf_of(with("/ColorSpace [/Indexed /DeviceGray 1 <ff00>] /BitsPerComponent 1 /Filter /CCITTFaxDecode "
                             "/DecodeParms << /K -1 /Columns 300 /BlackIs1 true >>",
                             group4())),
                 "a fax, whose palette inverts it once more");
    expect_taken(pdf_of(with("/ImageMask true /Decode [1 0]", other_bits)), "a stencil, inverted");
    Parts icc = with("/ColorSpace [/ICCBased 6 0 R] /BitsPerComponent 8", colours());
    icc.more = {stream("/N 3 /Alternate /DeviceRGB", "no profile")};
    expect_taken(pdf_of(icc), "a profile");
}

TEST(ScannedPages, StayInBlackAndWhite) {
    for (const std::string& pdf : {pdf_of(with("/ColorSpace /DeviceGray /BitsPerComponent 1", bits())),
                                   pdf_of(with("/ColorSpace /DeviceGray /BitsPerComponent 1 " + fax, group4()))}) {
        const std::optional<PageImage> image = stored(pdf);
        ASSERT_TRUE(image);
        ASSERT_EQ(pixGetDepth(image->pixels.get()), 1);
        l_int32 same = 0;
        pixEqual(image->pixels.get(), picture(1).get(), &same);
        EXPECT_EQ(same, 1);
    }
}

TEST(ScannedPages, AreTurnedAndFlippedAsTheyAreShown) {
    // The unit square in all eight ways onto a page of 72 by 100.8 points, or 100.8 by 72.
    const char* upright[] = {"72 0 0 100.8 0 0", "-72 0 0 100.8 72 0", "72 0 0 -100.8 0 100.8",
                             "-72 0 0 -100.8 72 100.8"};
    const char* lying[] = {"0 72 100.8 0 0 0", "0 -72 100.8 0 0 72", "0 72 -100.8 0 100.8 0",
                           "0 -72 -100.8 0 100.8 72"};
    for (int32_t rotation = 0; rotation < 360; rotation += 90)
        for (int32_t way = 0; way < 8; ++way) {
            Parts parts = plain();
            const std::string matrix = way < 4 ? upright[way] : lying[way - 4];
            parts.content = "q " + matrix + " cm /Im Do Q";
            parts.page = std::string("/MediaBox ") + (way < 4 ? "[0 0 72 100.8]" : "[0 0 100.8 72]") + " /Rotate " +
                         std::to_string(rotation);
            expect_taken(pdf_of(parts), matrix + " turned by " + std::to_string(rotation));
        }
}

TEST(ScannedPages, LieWhereTheyAreShown) {
    Parts parts = plain();
    for (const int32_t rotation : {0, 90, 180, 270}) {
        const std::string turned = " /Rotate " + std::to_string(rotation);
        parts.page = "/MediaBox [-12 -24 84 108]" + turned;
        expect_taken(pdf_of(parts), "margins" + turned);
        parts.page = "/MediaBox [0 0 72 100.8] /CropBox [6 12 66 96]" + turned;
        expect_taken(pdf_of(parts), "cut" + turned);
        parts.page = "/MediaBox [6 -12 78 96]" + turned;
        expect_taken(pdf_of(parts), "both" + turned);
    }
}

TEST(ScannedPages, AreTakenFromUnderWhatCannotBeSeen) {
    const std::string image = "q 72 0 0 100.8 0 0 cm /Im Do Q ";
    const std::string font = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>";
    const std::string states =
        "/ExtGState << /Plain << /Type /ExtGState /ca 1 /CA 1 /BM /Normal /SMask /None /SA true /OP false >> >>";
    const std::string form = "/Type /XObject /Subtype /Form ";
    struct Case {
        const char* what;
        std::string content, form;
    };
    const Case cases[] = {
        {"invisible text", image + "BT 3 Tr /F 20 Tf 10 50 Td (secret \\) text) Tj [(a) -20 <62>] TJ ET", ""},
        {"text under the image", "BT /F 20 Tf 10 50 Td (hidden) Tj ET " + image, ""},
        {"lines under the image", "0 0 0 rg 10 10 30 30 re f 1 w 0 0 m 50 50 l S " + image, ""},
        {"another image under it", "q 30 0 0 30 0 0 cm /Im Do Q " + image, ""},
        {"a clip as large as the page", "0 0 72 100.8 re W n " + image, ""},
        {"a clip in a path that is not drawn",
         "0 0 m 10 10 l n 0.5 0 0 0.5 0 0 cm 0 0 144 201.6 re W* n 2 0 0 2 0 0 cm " + image, ""},
        {"a plain state", "/Plain gs /RelativeColorimetric ri 0.2 g 1 0 0 RG [3 2] 0 d " + image, ""},
        {"marks", "/Artifact << /Type /Layout /BBox [0 0 1 1] >> BDC " + image + "EMC % the end", ""},
        {"a form", "q 0.5 0 0 0.5 0 0 cm /Other Do Q",
         stream(form + "/BBox [0 0 72 100.8] /Matrix [2 0 0 2 0 0]", image)},
        {"text in a form", image + "/Other Do",
         stream(form + "/BBox [0 0 30 30] /Resources << " + font + " >>", "BT 3 Tr /F 9 Tf (secret) Tj ET")},
    };
    for (const Case& one : cases) {
        Parts parts = plain();
        parts.content = one.content;
        parts.resources = font + ' ' + states;
        parts.more = {one.form.empty() ? "null" : one.form};
        expect_taken(pdf_of(parts), one.what);
    }
    Parts linked = plain();
    linked.page += " /Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] >>]";
    expect_taken(pdf_of(linked), "a link");
}

/// Drawn as ever, and not taken.
void expect_drawn(const Parts& parts, const std::string& what) {
    SCOPED_TRACE(what);
    const std::string pdf = pdf_of(parts);
    EXPECT_FALSE(stored(pdf)) << what;
    const PageImage page = open_pdf(bytes_of(pdf), ReadRequest{})->image_of(1);
    const PageImage by_poppler = drawn(pdf);
    EXPECT_EQ(page.dpi, dots) << what;
    EXPECT_EQ(pixGetWidth(page.pixels.get()), pixGetWidth(by_poppler.pixels.get())) << what;
    EXPECT_EQ(difference(page.pixels, by_poppler.pixels), 0) << what;
}

TEST(ScannedPages, AreDrawnWhereMoreCanBeSeen) {
    const std::string image = "q 72 0 0 100.8 0 0 cm /Im Do Q ";
    struct Case {
        const char* what;
        std::string content;
    };
    const Case cases[] = {
        {"text", image + "BT /F 20 Tf 10 50 Td (to see) Tj ET"},
        {"text in a font of pictures", image + "BT 3 Tr /Pictures 20 Tf 10 50 Td (a) Tj ET"},
        {"text in a font that is not there", image + "BT 3 Tr /Missing 20 Tf 10 50 Td (a) Tj ET"},
        {"text that clips", "BT 7 Tr /F 20 Tf 10 50 Td (a) Tj ET " + image},
        {"text outlined later", image + "BT 3 Tr /F 20 Tf (a) Tj 1 Tr (b) Tj ET"},
        {"a line", image + "0 0 m 50 50 l S"},
        {"an area", image + "1 g 10 10 20 20 re f"},
        {"a shading", image + "/Shades sh"},
        {"an image within the content", image + "q 9 0 0 9 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q"},
        {"a second image", image + "q 20 0 0 20 0 0 cm /Im Do Q"},
        {"strips", "q 72 0 0 50.4 0 0 cm /Im Do Q q 72 0 0 50.4 0 50.4 cm /Im Do Q"},
        {"lines in its margin", "0 0 m 50 50 l S q 60 0 0 84 6 8 cm /Im Do Q"},
        {"a narrow clip", "20 20 30 30 re W n " + image},
        {"a round clip", "0 0 m 72 0 l 72 100 l h W n " + image},
        {"a turned clip",
         "q 0.7 0.7 -0.7 0.7 0 0 cm 0 0 500 500 re W n Q q 0.7 0.7 -0.7 0.7 0 0 cm 0 0 9 9 re W n " + image + " Q"},
        {"half transparent", "/Half gs " + image},
        {"multiplied", "/Multiply gs " + image},
        {"masked by the state", "/Masked gs " + image},
        {"with another curve", "/Curve gs " + image},
        {"a state that is not there", "/Nothing gs " + image},
        {"optional", "/OC /Layer BDC " + image + "EMC"},
        {"a little skewed", "q 72 1 -1 100.8 0 0 cm /Im Do Q"},
        {"turned by 45 degrees", "q 50 50 -50 50 36 0 cm /Im Do Q"},
        {"flat", "q 72 0 0 0 0 0 cm /Im Do Q"},
        {"of no matrix", "q 72 0 0 cm /Im Do Q"},
        {"squeezed", "q 72 0 0 60 0 20 cm /Im Do Q"},
        {"small", "q 36 0 0 50.4 0 0 cm /Im Do Q"},
        {"nothing", " "},
        {"an operator that nobody knows", image + "72 xyz"},
        {"too many ends", "Q " + image},
        {"a string without an end", image + "BT 3 Tr (abc"},
        {"numbers that are none", "q 72 0 0 100.8 0 -.-0 cm /Im Do Q"},
        {"an object that is not there", image + "/Absent Do"},
    };
    for (const Case& one : cases) {
        Parts parts = plain();
        parts.content = one.content;
        parts.resources =
            "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> /Pictures << /Type /Font /Subtype "
            "/Type3 "
            "/FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 /LastChar 97 /Widths [1] /CharProcs << /a 7 0 "
            "R >> "
            "/Encoding << /Differences [97 /a] >> >> >> "
            "/Shading << /Shades << /ShadingType 2 /ColorSpace /DeviceGray /Coords [0 0 72 0] /Function << "
            "/FunctionType 2 "
            "/Domain [0 1] /N 1 /C0 [0] /C1 [1] >> >> >> "
            "/ExtGState << /Half << /ca 0.5 >> /Multiply << /BM /Multiply >> /Curve << /TR << /FunctionType 2 /Domain "
            "[0 1] "
            "/N 1 /C0 [1] /C1 [0] >> >> /Masked << /SMask << /S /Alpha /G 6 0 R >> >> >> "
            "/Properties << /Layer << /Type /OCG /Name (layer) >> >>";
        parts.more = {
            stream("/Type /XObject /Subtype /Form /BBox [0 0 72 100] /Resources << /XObject << /Other 6 0 R >> >>",
                   "/Other Do"),
            stream("", "1 0 d0 0 0 0.5 0.5 re f")};
        expect_drawn(parts, one.what);
    }
    Parts endless = plain();
    endless.content = image + "/Other Do";
    endless.more = {stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 72 100] /Resources << /XObject << /Other 6 0 R >> >>", "/Other Do")};
    EXPECT_FALSE(ScannedPages(bytes_of(pdf_of(endless)), "").image_of({1, 1, 72, 100.8, 0}, {}));
    Parts stamped = plain();
    stamped.page += " /Annots [<< /Type /Annot /Subtype /Stamp /Rect [0 0 50 50] >>]";
    expect_drawn(stamped, "a stamp");
    Parts own_colours = plain();
    own_colours.resources = "/ColorSpace << /DefaultGray [/CalGray << /WhitePoint [0.95 1 1.09] /Gamma 3 >>] >>";
    expect_drawn(own_colours, "a grey of its own");
}

TEST(ScannedPages, AreDrawnWhereTheImageIsNotPlain) {
    const std::string mask =
        stream("/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8", "x");
    const std::string stencil = stream("/Type /XObject /Subtype /Image /Width 1 /Height 1 /ImageMask true", "x");
    const std::string grey = "/ColorSpace /DeviceGray /BitsPerComponent 8 ";
    struct Case {
        const char* what;
        std::string image, data, more;
    };
    std::string broken_jpeg = jpeg(8);
    for (size_t at = broken_jpeg.size() / 2; at < broken_jpeg.size() / 2 + 60; ++at) broken_jpeg[at] = '\xff';
    std::string broken_fax = group4();
    for (size_t at = broken_fax.size() / 3; at < broken_fax.size(); at += 3) broken_fax[at] = '\x00';
    const std::string inks = samples(
        8, [](uint32_t value) { return 255 - value; }, 4);
    const Case cases[] = {
        {"a soft mask", grey + "/SMask 6 0 R", greys(), mask},
        {"a mask", grey + "/Mask 6 0 R", greys(), stencil},
        {"a colour that is none", grey + "/Mask [0 0]", greys(), ""},
        {"optional", grey + "/OC << /Type /OCG /Name (layer) >>", greys(), ""},
        {"in another file", grey + "/F (other.bin)", greys(), ""},
        {"inks", "/ColorSpace /DeviceCMYK /BitsPerComponent 8", inks, ""},
        {"a profile of inks", "/ColorSpace [/ICCBased 6 0 R] /BitsPerComponent 8", inks,
         stream("/N 4 /Alternate /DeviceCMYK", "")},
        {"one ink",
         "/ColorSpace [/Separation /Spot /DeviceGray << /FunctionType 2 /Domain [0 1] /N 1 /C0 [1] /C1 [0] >>] "
         "/BitsPerComponent 8",
         greys(), ""},
        {"16 bits", "/ColorSpace /DeviceGray /BitsPerComponent 16", std::string(size_t{wide} * high * 2, 'x'), ""},
        {"3 bits", "/ColorSpace /DeviceGray /BitsPerComponent 3", greys(), ""},
        {"decoded to less", grey + "/Decode [0 0.5]", greys(), ""},
        {"decoded to nothing", grey + "/Decode [0]", greys(), ""},
        {"a palette read otherwise", "/ColorSpace [/Indexed /DeviceGray 1 <00ff>] /BitsPerComponent 1 /Decode [1 0]",
         bits(), ""},
        {"a short palette", "/ColorSpace [/Indexed /DeviceRGB 200 <00ff>] /BitsPerComponent 8", greys(), ""},
        {"no colours", "/BitsPerComponent 8", greys(), ""},
        {"colours that are their own", "/ColorSpace 6 0 R /BitsPerComponent 8", greys(), "[6 0 R]"},
        {"rows that are missing", grey, greys().substr(0, 9000), ""},
        {"rows that cannot be unpacked", grey + "/Filter /FlateDecode", deflated(greys()).substr(0, 200), ""},
        {"more rows than there are", grey + "/Filter /FlateDecode", deflated(greys() + std::string(1000000, 'x')), ""},
        {"an unknown filter", grey + "/Filter /Magic", greys(), ""},
        {"a JPEG that is broken", grey + "/Filter /DCTDecode", broken_jpeg, ""},
        {"a JPEG that is cut off", grey + "/Filter /DCTDecode", jpeg(8).substr(0, jpeg(8).size() / 2), ""},
        {"no JPEG", grey + "/Filter /DCTDecode", "abc", ""},
        {"a JPEG of other colours", "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode", jpeg(8), ""},
        {"a JPEG with its own colours",
         "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /DecodeParms << "
         "/ColorTransform 0 >>",
         jpeg(32), ""},
        {"no JPEG 2000", "/Filter /JPXDecode", "abc", ""},
        {"a JPEG 2000 of other colours", "/ColorSpace /DeviceRGB /Filter /JPXDecode", jpeg2000(8), ""},
        {"a fax that is broken", "/ColorSpace /DeviceGray /BitsPerComponent 1 " + fax, broken_fax, ""},
        {"a fax that is cut off", "/ColorSpace /DeviceGray /BitsPerComponent 1 " + fax, group4().substr(0, 60), ""},
        {"a fax of group 3",
         "/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode /DecodeParms << /Columns 300 >>",
         group4(), ""},
        {"a fax of another width",
         "/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode /DecodeParms << /K -1 >>", group4(), ""},
    };
    for (const Case& one : cases) {
        Parts parts = with(one.image, one.data);
        if (!one.more.empty()) parts.more = {one.more};
        expect_drawn(parts, one.what);
    }
    Parts other_size = with(grey + "/Filter /DCTDecode", jpeg(8));
    other_size.width = 299;
    expect_drawn(other_size, "a JPEG of another size");
    Parts red = with("/ImageMask true", bits());
    red.content = "1 0 0 rg " + red.content;
    expect_drawn(red, "a red stencil");
    red.content = "0 0 72 100.8 re f " + plain().content;
    expect_drawn(red, "a stencil on black");
}

TEST(ScannedPages, AreDrawnWhereTheDocumentIsDamaged) {
    std::string pdf = pdf_of(plain());
    EXPECT_TRUE(stored(pdf));
    pdf.replace(pdf.find("startxref\n") + 10, 1, "9");
    EXPECT_FALSE(stored(pdf));
    EXPECT_EQ(open_pdf(bytes_of(pdf), ReadRequest{})->image_of(1).dpi, dots);
}

TEST(ScannedPages, HaveToAgreeWithWhatPopplerSays) {
    const std::string pdf = pdf_of(plain());
    ScannedPages pages(bytes_of(pdf), "");
    EXPECT_TRUE(pages.image_of({1, 1, 72, 100.8, 0}, {}));
    EXPECT_FALSE(pages.image_of({1, 2, 72, 100.8, 0}, {}));
    EXPECT_FALSE(pages.image_of({1, 1, 71, 100.8, 0}, {}));
}

TEST(ScannedPages, KeepToTheLimits) {
    const std::string pdf = pdf_of(plain());
    Limits limits;
    limits.page_pixels = uint64_t{wide} * high;
    EXPECT_TRUE(stored(pdf, limits));
    limits.page_pixels -= 1;
    EXPECT_FALSE(stored(pdf, limits));
    // A page on which the image is small has more pixels than the image.
    Parts parts = plain();
    parts.page = "/MediaBox [0 0 90 120]";
    limits.page_pixels = uint64_t{wide} * high + 1000;
    EXPECT_FALSE(stored(pdf_of(parts), limits));
}

/// At the image's own resolution, unless another helps.
TEST(ScannedPages, HaveAResolutionThatIsOfUse) {
    const auto at = [](double dpi) {
        Parts parts = plain();
        const double width = wide * 72 / dpi, height = high * 72 / dpi;
        parts.page = "/MediaBox [0 0 " + std::to_string(width) + ' ' + std::to_string(height) + ']';
        parts.content = "q " + std::to_string(width) + " 0 0 " + std::to_string(height) + " 0 0 cm /Im Do Q";
        const std::string pdf = pdf_of(parts);
        return open_pdf(bytes_of(pdf), ReadRequest{})->image_of(1);
    };
    for (const int32_t dpi : {72, 100, 200, 400, 600, 1200}) {
        const PageImage scaled = at(dpi);
        EXPECT_EQ(scaled.dpi, 300) << dpi;
        EXPECT_NEAR(pixGetWidth(scaled.pixels.get()), wide * 300 / dpi, 1) << dpi;
        EXPECT_NEAR(pixGetHeight(scaled.pixels.get()), high * 300 / dpi, 1) << dpi;
    }
    for (const int32_t dpi : {250, 300, 350}) {
        const PageImage as_it_is = at(dpi);
        EXPECT_EQ(as_it_is.dpi, dpi);
        EXPECT_EQ(pixGetWidth(as_it_is.pixels.get()), wide);
    }
    EXPECT_EQ(pixGetWidth(at(36).pixels.get()), wide * 300 / 36);
}

TEST(ScannedPages, AreDrawnInAResolutionThatIsAskedFor) {
    const std::string pdf = pdf_of(plain());
    ReadRequest request;
    request.dpi = 150;
    const PageImage page = open_pdf(bytes_of(pdf), request)->image_of(1);
    EXPECT_EQ(page.dpi, 150);
    EXPECT_EQ(pixGetWidth(page.pixels.get()), wide / 2);
}

/// Of a scan with a text layer: its boxes are in pixels of the page as drawn, and so is the image beneath.
TEST(ScannedPages, LieUnderTheirTextAsDrawn) {
    Parts parts = plain();
    parts.width = wide / 2;
    parts.height = high / 2;
    parts.page = "/MediaBox [0 0 36 50.4]";
    parts.content = "q 36 0 0 50.4 0 0 cm /Im Do Q";
    const std::string pdf = pdf_of(parts);
    const std::unique_ptr<Reader> reader = open_pdf(bytes_of(pdf), ReadRequest{});
    EXPECT_EQ(reader->image_under_text(1).dpi, 300);
}

std::string text_of(const std::string& document, int32_t dpi) {
    ReadRequest request;
    request.dpi = dpi;
    request.text_layer = TextLayer::ignore;
    return read_bytes(document, request).text();
}

/// Poppler draws even an image of the page's own resolution with a row or a column twice, so that some letters look a
/// little different.
TEST(ScannedPages, AreReadAsWellAsDrawn) {
    const std::string document = contents_of(data_path("linn/ccitt.pdf"));
    const std::string truth = contents_of(data_path("linn/ccitt.pdf.gt.txt"));
    const std::unique_ptr<Reader> reader = open_pdf(bytes_of(document), ReadRequest{});
    EXPECT_EQ(pixGetDepth(reader->image_of(1).pixels.get()), 1) << "it is taken";
    constexpr double noise = 0.002;
    const std::string text = text_of(document, 0);
    EXPECT_LE(character_error_rate(truth, text), character_error_rate(truth, text_of(document, 300)) + noise);
}

/// The same page in each encoding that loses nothing.
TEST(ScannedPages, ReadTheSameInEveryEncoding) {
    const std::string scan = contents_of(data_path("phototest/phototest.tif"));
    const Pixels ink = open_document(DocumentType::tiff, bytes_of(scan), ReadRequest{})->image_of(1).pixels;
    ASSERT_EQ(pixGetDepth(ink.get()), 1);
    Parts parts;
    parts.width = pixGetWidth(ink.get());
    parts.height = pixGetHeight(ink.get());
    const std::string across = std::to_string(parts.width * 72.0 / dots),
                      down = std::to_string(parts.height * 72.0 / dots);
    parts.page = "/MediaBox [0 0 " + across + ' ' + down + ']';
    parts.content = "q " + across + " 0 0 " + down + " 0 0 cm /Im Do Q";
    std::string rows, samples_of_8_bits;
    for (int32_t y = 0; y < parts.height; ++y) {
        const l_uint32* row = pixGetData(ink.get()) + static_cast<ptrdiff_t>(pixGetWpl(ink.get())) * y;
        for (int32_t i = 0; i < (parts.width + 7) / 8; ++i) rows += static_cast<char>(GET_DATA_BYTE(row, i));
        for (int32_t x = 0; x < parts.width; ++x) samples_of_8_bits += GET_DATA_BIT(row, x) != 0 ? '\0' : '\xff';
    }
    const std::string columns = std::to_string(parts.width);
    parts.image =
        "/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns " +
        columns + " >>";
    parts.data = group4_of(static_cast<uint32_t>(parts.width), static_cast<uint32_t>(parts.height), rows);
    ASSERT_EQ(pixGetDepth(stored(pdf_of(parts))->pixels.get()), 1);
    const std::string text = text_of(pdf_of(parts), 0);
    EXPECT_GT(text.size(), 200u);
    parts.image = "/ColorSpace /DeviceGray /BitsPerComponent 1 /Decode [1 0] /Filter /FlateDecode";
    parts.data = deflated(rows);
    EXPECT_EQ(text_of(pdf_of(parts), 0), text);
    parts.image = "/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode";
    parts.data = deflated(samples_of_8_bits);
    EXPECT_EQ(text_of(pdf_of(parts), 0), text);
}

std::vector<std::string> operations_of(std::string_view content, bool sound = true) {
    ContentTokens tokens(content);
    std::vector<std::string> found;
    while (tokens.next()) found.push_back(std::string(tokens.operation()) + std::to_string(tokens.operands().size()));
    EXPECT_EQ(tokens.is_sound(), sound) << content;
    return found;
}

TEST(ContentTokens, AreOperatorsWithTheirOperands) {
    using Found = std::vector<std::string>;
    EXPECT_EQ(operations_of(""), Found{});
    EXPECT_EQ(operations_of("q\r\n1 0 0 -1.5 .5 +7. cm/Im%x Do\nDo Q"), (Found{"q0", "cm6", "Do1", "Q0"}));
    EXPECT_EQ(operations_of("(a(b)\\)c) Tj [(x)-2<4142>]TJ <</A[1 2]/B<</C(>>)>>>> BDC true n"),
              (Found{"Tj1", "TJ1", "BDC1", "n1"}));
    for (const char* unsound : {"(a", "[1", "1 ]", ">>", ")", "<41", "/a#4 Do", "1-2 w", "1", "{", "--1 w"})
        operations_of(unsound, false);
    ContentTokens name("/A#42c -0.25 x");
    ASSERT_TRUE(name.next());
    EXPECT_EQ(name.operands()[0].name, "/ABc");
    EXPECT_EQ(name.operands()[1].number, -0.25);
    operations_of(std::string(50, '['), false);
    std::string many;
    for (int i = 0; i < 50; ++i) many += "1 ";
    operations_of(many + "sc", false);
}

}  // namespace
}  // namespace pg_ocr
