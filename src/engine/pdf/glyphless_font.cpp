#include "engine/pdf/glyphless_font.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "engine/pdf/pipelines.h"
#include "engine/pdf/text_layer_writer.h"

namespace pg_ocr {
namespace {

constexpr std::string_view font_name = "PgOcrInvisible";
constexpr uint16_t units_per_em = 1000;

void append_u16(std::string& to, int32_t value) {
    to += static_cast<char>(value >> 8);
    to += static_cast<char>(value);
}

void append_u32(std::string& to, uint32_t value) {
    append_u16(to, static_cast<int32_t>(value >> 16));
    append_u16(to, static_cast<int32_t>(value & 0xffff));
}

std::string words(std::initializer_list<int32_t> values) {
    std::string bytes;
    for (int32_t value : values) append_u16(bytes, value);
    return bytes;
}

uint32_t checksum(std::string_view table) {
    uint32_t sum = 0;
    for (size_t i = 0; i < table.size(); ++i)
        sum += static_cast<uint32_t>(static_cast<uint8_t>(table[i])) << (24 - 8 * (i % 4));
    return sum;
}

struct FontTable {
    std::string_view tag;
    std::string bytes;
};

constexpr size_t adjustment_offset = 8;  ///< in the table head

std::string head_table() {
    std::string table = words({1, 0, 1, 0});                                     // version 1.0, revision 1.0
    append_u32(table, 0);                                                        // the adjustment
    append_u32(table, 0x5f0f3cf5);                                               // a constant
    table += words({3, units_per_em});                                           // baseline and left edge at 0
    table += std::string(16, '\0');                                              // made and changed: unknown
    table += words({0, font_descent, glyph_width, font_ascent, 0, 8, 2, 0, 0});  // short offsets in loca
    return table;
}

std::string os2_table() {
    std::string table = words({3, glyph_width, 400, 5, 0});
    table += std::string(20, '\0');  // sub- and superscripts, strikeout
    table += std::string(2 + 10 + 16, '\0');
    table += "none";  // vendor
    table += words({0x40, 0, 0xffff, font_ascent, font_descent, 0, font_ascent, -font_descent});
    table += std::string(8, '\0');  // code pages
    table += words({0, 0, 0, 0, 1});
    return table;
}

std::string name_table() {
    // Family, style, full name and PostScript name.
    std::string table = words({0, 4, 6 + 4 * 12}), texts;
    for (int32_t kind : {1, 2, 4, 6}) {
        const std::string_view text = kind == 2 ? "Regular" : font_name;
        table += words({3, 1, 0x409, kind, static_cast<int32_t>(2 * text.size()), static_cast<int32_t>(texts.size())});
        for (char c : text) append_u16(texts, c);
    }
    return table + texts;
}

std::string cmap_table() {
    // One segment that maps nothing, in format 4.
    return words({0, 1, 3, 1, 0, 12, 4, 24, 0, 2, 2, 0, 0, 0xffff, 0, 0xffff, 1, 0});
}

/// In order of their tags.
std::vector<FontTable> font_tables() {
    const std::string empty_glyph = words({0, 0, 0, 0, 0, 0});
    return {{"OS/2", os2_table()},
            {"cmap", cmap_table()},
            {"glyf", empty_glyph + empty_glyph},
            {"head", head_table()},
            {"hhea",
             words({1, 0, font_ascent, font_descent, 0, glyph_width, 0, 0, glyph_width, 1, 0, 0, 0, 0, 0, 0, 0, 2})},
            {"hmtx", words({glyph_width, 0, glyph_width, 0})},
            {"loca", words({0, 6, 12})},
            {"maxp", words({1, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0})},
            {"name", name_table()},
            {"post", words({3, 0, 0, 0, -100, 50, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})}};
}

void append_hexadecimal(std::string& to, uint32_t value, int digits) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%0*X", digits, value);
    to += text.data();
}

void append_utf16(std::string& to, char32_t c) {
    if (c < 0x10000) {
        append_hexadecimal(to, c, 4);
        return;
    }
    append_hexadecimal(to, 0xd800 + ((c - 0x10000) >> 10), 4);
    append_hexadecimal(to, 0xdc00 + ((c - 0x10000) & 0x3ff), 4);
}

QPDFObjectHandle packed_stream(QPDF& pdf, const std::string& bytes) {
    QPDFObjectHandle stream = QPDFObjectHandle::newStream(&pdf);
    stream.replaceStreamData(deflated(bytes), QPDFObjectHandle::newName("/FlateDecode"), QPDFObjectHandle::newNull());
    return stream;
}

}  // namespace

std::string glyphless_font_file() {
    const std::vector<FontTable> tables = font_tables();
    const auto count = static_cast<int32_t>(tables.size());
    constexpr int32_t power = 8, exponent = 3;  // the greatest power of two within ten
    std::string font = words({1, 0, count, power * 16, exponent, (count - power) * 16}), bodies;
    size_t head = 0;
    const size_t first = font.size() + tables.size() * 16;
    for (const FontTable& table : tables) {
        if (table.tag == "head") head = first + bodies.size();
        font += table.tag;
        append_u32(font, checksum(table.bytes));
        append_u32(font, static_cast<uint32_t>(first + bodies.size()));
        append_u32(font, static_cast<uint32_t>(table.bytes.size()));
        bodies += table.bytes;
        bodies.resize((bodies.size() + 3) / 4 * 4);
    }
    font += bodies;
    std::string adjustment;
    append_u32(adjustment, 0xb1b0afba - checksum(font));
    font.replace(head + adjustment_offset, adjustment.size(), adjustment);
    return font;
}

std::string map_to_unicode(const std::vector<char32_t>& characters) {
    std::string map =
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n";
    constexpr size_t most_in_one_go = 100;
    for (size_t i = 0; i < characters.size(); ++i) {
        const size_t left = characters.size() - i;
        if (i % most_in_one_go == 0) map += std::to_string(std::min(left, most_in_one_go)) + " beginbfchar\n";
        map += '<';
        append_hexadecimal(map, static_cast<uint32_t>(i + 1), 4);
        map += "> <";
        append_utf16(map, characters[i]);
        map += ">\n";
        if (left == 1 || (i + 1) % most_in_one_go == 0) map += "endbfchar\n";
    }
    map += "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n";
    return map;
}

QPDFObjectHandle glyphless_font(QPDF& pdf, const std::vector<char32_t>& characters) {
    const std::string file = glyphless_font_file();
    QPDFObjectHandle embedded = packed_stream(pdf, file);
    embedded.getDict().replaceKey("/Length1", QPDFObjectHandle::newInteger(static_cast<long long>(file.size())));
    // Every code's glyph is number 1.
    std::string glyphs(2, '\0');
    for (size_t i = 0; i < characters.size(); ++i) glyphs += words({1});
    QPDFObjectHandle descriptor = pdf.makeIndirectObject(QPDFObjectHandle::parse(
        "<< /Type /FontDescriptor /FontName /" + std::string(font_name) + " /Flags 4 /FontBBox [0 " +
        std::to_string(font_descent) + ' ' + std::to_string(glyph_width) + ' ' + std::to_string(font_ascent) +
        "] /ItalicAngle 0 /Ascent " + std::to_string(font_ascent) + " /Descent " + std::to_string(font_descent) +
        " /CapHeight " + std::to_string(font_ascent) + " /StemV 80 >>"));
    descriptor.replaceKey("/FontFile2", embedded);
    QPDFObjectHandle descendant = pdf.makeIndirectObject(
        QPDFObjectHandle::parse("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /" + std::string(font_name) +
                                " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW " +
                                std::to_string(glyph_width) + " >>"));
    descendant.replaceKey("/FontDescriptor", descriptor);
    descendant.replaceKey("/CIDToGIDMap", packed_stream(pdf, glyphs));
    QPDFObjectHandle font = QPDFObjectHandle::parse("<< /Type /Font /Subtype /Type0 /BaseFont /" +
                                                    std::string(font_name) + " /Encoding /Identity-H >>");
    font.replaceKey("/DescendantFonts", QPDFObjectHandle::newArray({descendant}));
    font.replaceKey("/ToUnicode", packed_stream(pdf, map_to_unicode(characters)));
    return pdf.makeIndirectObject(font);
}

}  // namespace pg_ocr
