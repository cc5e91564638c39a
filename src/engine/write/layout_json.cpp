#include "engine/write/layout_json.h"

#include <cmath>
#include <string_view>

#include "engine/write/json_string.h"

namespace pg_ocr {
namespace {

void append_box(std::string& json, const Box& box) {
    json += "\"box\":[" + std::to_string(box.left) + ',' + std::to_string(box.top) + ',' + std::to_string(box.right) +
            ',' + std::to_string(box.bottom) + ']';
}

void append_confidence(std::string& json, float confidence) {
    long tenths = std::lround(confidence * 10);
    json += "\"confidence\":" + std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10);
}

/// Calls append for each item, with commas between.
template <typename Items, typename Append>
void append_array(std::string& json, std::string_view name, const Items& items, Append append) {
    json += '"';
    json += name;
    json += "\":[";
    bool first = true;
    for (const auto& item : items) {
        if (!first) json += ',';
        first = false;
        json += '{';
        append(item);
        json += '}';
    }
    json += ']';
}

void append_number(std::string& json, std::string_view name, int32_t number) {
    json += '"';
    json += name;
    json += "\":" + std::to_string(number) + ',';
}

void append_tables(std::string& json, const std::vector<Table>& tables) {
    append_array(json, "tables", tables, [&](const Table& table) {
        append_box(json, table.box);
        json += ',';
        append_number(json, "rows", table.rows);
        append_number(json, "columns", table.columns);
        append_array(json, "cells", table.cells, [&](const Cell& cell) {
            append_number(json, "row", cell.row);
            append_number(json, "column", cell.column);
            append_number(json, "row_span", cell.row_span);
            append_number(json, "column_span", cell.column_span);
            append_box(json, cell.box);
            json += ",\"text\":";
            append_json_string(json, cell.text);
            json += ',';
            if (cell.text.empty())
                json += "\"confidence\":null";
            else
                append_confidence(json, cell.confidence);
        });
    });
}

}  // namespace

std::string layout_json(const Layout& layout) {
    std::string json = "{";
    append_array(json, "blocks", layout.blocks, [&](const Block& block) {
        append_box(json, block.box);
        json += ',';
        append_array(json, "lines", block.lines, [&](const Line& line) {
            append_box(json, line.box);
            json += ',';
            append_confidence(json, line.confidence);
            json += ',';
            append_array(json, "words", line.words, [&](const Word& word) {
                append_box(json, word.box);
                json += ",\"text\":";
                append_json_string(json, word.text);
                json += ',';
                append_confidence(json, word.confidence);
            });
        });
    });
    if (!layout.tables.empty()) {
        json += ',';
        append_tables(json, layout.tables);
    }
    if (layout.lines_by) {
        json += ",\"lines_by\":";
        append_json_string(json, name_of(*layout.lines_by));
    }
    if (!layout.doubt.empty()) {
        json += ",\"doubt\":";
        append_json_string(json, layout.doubt);
    }
    json += '}';
    return json;
}

}  // namespace pg_ocr
