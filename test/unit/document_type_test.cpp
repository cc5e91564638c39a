#include "engine/read/document_type.h"

#include <gtest/gtest.h>

#include "reading.h"

namespace pg_ocr {
namespace {

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

DocumentType type_of_file(const std::string& name) { return document_type(bytes_of(contents_of(data_path(name)))); }

std::string refusal(const std::string& document) {
    try {
        document_type(bytes_of(document));
    } catch (const DocumentError& error) {
        EXPECT_EQ(error.failure.code, ErrorCode::document_unsupported);
        return error.what();
    }
    return "accepted";
}

TEST(DocumentType, IsToldByTheBytesOfRealFiles) {
    EXPECT_EQ(type_of_file("linn/linn.pdf"), DocumentType::pdf);
    EXPECT_EQ(type_of_file("phototest/phototest.tif"), DocumentType::tiff);
    EXPECT_EQ(type_of_file("formats/simple.jpg"), DocumentType::jpeg);
    EXPECT_EQ(type_of_file("formats/simple.png"), DocumentType::png);
    EXPECT_EQ(type_of_file("formats/simple.webp"), DocumentType::webp);
    EXPECT_EQ(type_of_file("formats/simple.gif"), DocumentType::gif);
    EXPECT_EQ(type_of_file("formats/simple.bmp"), DocumentType::bmp);
    EXPECT_EQ(type_of_file("formats/simple.pbm"), DocumentType::pnm);
    EXPECT_EQ(type_of_file("pillow-robust/16bit.cropped.jp2"), DocumentType::jpeg2000);
    EXPECT_EQ(type_of_file("pillow-robust/16bit.cropped.j2k"), DocumentType::jpeg2000);
}

TEST(DocumentType, OfAPdfMayFollowAPreamble) {
    EXPECT_EQ(document_type(bytes_of(std::string(1000, ' ') + "%PDF-1.7\n")), DocumentType::pdf);
    EXPECT_NE(refusal(std::string(1024, ' ') + "%PDF-1.7\n"), "accepted");
}

TEST(DocumentType, OfNothingIsAnErrorOfItsOwn) {
    try {
        document_type({});
        FAIL() << "an empty document was accepted";
    } catch (const DocumentError& error) {
        EXPECT_EQ(error.failure.code, ErrorCode::document_empty);
    }
}

TEST(DocumentType, ThatIsRefusedIsNamed) {
    std::string sgi =
        refusal(contents_of(data_path("pillow-robust/crash-754d9c7ec485ffb76a90eeaab191ef69a2a3a3cd.sgi")));
    EXPECT_NE(sgi.find("\"SGI image data\""), std::string::npos) << sgi;
    EXPECT_NE(sgi.find("submit a PDF or an image: PDF, TIFF"), std::string::npos) << sgi;
    std::string html = refusal("<!DOCTYPE html><html><body>text</body></html>");
    EXPECT_NE(html.find("HTML document"), std::string::npos) << html;
    EXPECT_NE(refusal("%!PS-Adobe-3.0\n").find("PostScript document"), std::string::npos);
    EXPECT_NE(refusal(std::string("\1\2\3\4\5", 5)).find("unknown"), std::string::npos);
}

TEST(DocumentType, IsNotGuessedFromTheFirstLetters) {
    EXPECT_NE(refusal("BMW builds cars, and this is a text about them."), "accepted");
    EXPECT_NE(refusal("P1ease read this text."), "accepted");
    EXPECT_NE(refusal("RIFF....AVI LIST"), "accepted");
    EXPECT_NE(refusal("GIF"), "accepted");
}

}  // namespace
}  // namespace pg_ocr
