#include "document/document.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <stdexcept>

namespace pg_ocr {
namespace {

constexpr std::array<std::string_view, 3> tier_names{"fast", "balanced", "accurate"};
constexpr std::array<std::string_view, 3> text_layer_names{"auto", "ignore", "only"};
constexpr std::array<std::string_view, 3> page_status_names{"read", "skipped", "failed"};
constexpr std::array<std::string_view, 3> page_source_names{"", "ocr", "text_layer"};
constexpr std::array<std::string_view, 2> recogniser_names{"pg_ocr", "tesseract"};
constexpr std::array<std::string_view, 29> error_code_names{
    "",
    "document_empty",
    "document_unsupported",
    "document_damaged",
    "document_encrypted",
    "document_password_wrong",
    "too_many_pages",
    "no_pages_selected",
    "language_missing",
    "page_damaged",
    "page_too_large",
    "too_much_text",
    "page_timeout",
    "document_timeout",
    "no_text_layer",
    "document_missing",
    "document_too_large",
    "store_denied",
    "store_refused",
    "store_unavailable",
    "store_undeclared",
    "provider_unavailable",
    "provider_refused",
    "row_locked",
    "row_refused",
    "engine_memory",
    "engine_crashed",
    "engine_unavailable",
    "internal_error",
};
static_assert(error_code_names.size() == static_cast<size_t>(ErrorCode::internal_error) + 1);

template <typename Enum, size_t N>
Enum value_of(const std::array<std::string_view, N>& names, std::string_view name, const char* what) {
    for (size_t i = 0; i < N; ++i)
        if (names[i] == name) return static_cast<Enum>(i);
    throw std::invalid_argument("unknown " + std::string(what) + " \"" + std::string(name) + "\"");
}

uint32_t parse_page_number(std::string_view text, std::string_view whole) {
    uint32_t page = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), page);
    if (error != std::errc() || end != text.data() + text.size() || page == 0)
        throw std::invalid_argument("\"" + std::string(text) + "\" in pages \"" + std::string(whole) +
                                    "\" is not a page number");
    return page;
}

}  // namespace

std::string_view name_of(Tier tier) { return tier_names.at(static_cast<size_t>(tier)); }
std::string_view name_of(TextLayer layer) { return text_layer_names.at(static_cast<size_t>(layer)); }
std::string_view name_of(PageStatus status) { return page_status_names.at(static_cast<size_t>(status)); }
std::string_view name_of(PageSource source) { return page_source_names.at(static_cast<size_t>(source)); }
std::string_view name_of(Recogniser recogniser) { return recogniser_names.at(static_cast<size_t>(recogniser)); }
std::string_view name_of(ErrorCode code) { return error_code_names.at(static_cast<size_t>(code)); }

Tier tier_of(std::string_view name) { return value_of<Tier>(tier_names, name, "tier"); }
TextLayer text_layer_of(std::string_view name) { return value_of<TextLayer>(text_layer_names, name, "text_layer"); }
Recogniser recogniser_of(std::string_view name) { return value_of<Recogniser>(recogniser_names, name, "recogniser"); }

std::optional<Recogniser> recogniser_named(std::string_view provider) {
    for (const Recogniser recogniser : {Recogniser::own, Recogniser::tesseract})
        if (name_of(recogniser) == provider) return recogniser;
    return std::nullopt;
}

bool parse_error_code(std::string_view name, ErrorCode& to) {
    for (size_t i = 1; i < error_code_names.size(); ++i)
        if (error_code_names[i] == name) {
            to = static_cast<ErrorCode>(i);
            return true;
        }
    return false;
}

Failure page_timed_out(const Limits& limits) {
    return {ErrorCode::page_timeout, "the page was not read within " + std::to_string(limits.page_time_ms / 1000) +
                                         " s; raise pg_ocr.page_timeout if such pages are to be read"};
}

Failure page_out_of_memory() {
    return {ErrorCode::engine_memory, "the page does not fit into the engine's memory; raise pg_ocr.engine_memory"};
}

Failure document_timed_out(const Limits& limits) {
    return {ErrorCode::document_timeout,
            "the document was not read within " + std::to_string(limits.document_time_ms / 1000) +
                " s; ocr_retry() goes on with the pages that are left, or raise pg_ocr.document_timeout"};
}

std::vector<PageRange> parse_page_ranges(std::string_view whole) {
    std::vector<PageRange> ranges;
    for (std::string_view rest = whole; !rest.empty();) {
        size_t comma = rest.find(',');
        std::string_view item = rest.substr(0, comma);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        size_t dash = item.find('-');
        PageRange range;
        range.first = parse_page_number(item.substr(0, dash), whole);
        if (dash == std::string_view::npos)
            range.last = range.first;
        else if (dash + 1 < item.size())
            range.last = parse_page_number(item.substr(dash + 1), whole);
        if (range.last != 0 && range.last < range.first)
            throw std::invalid_argument("\"" + std::string(item) + "\" in pages \"" + std::string(whole) +
                                        "\" runs backwards");
        ranges.push_back(range);
    }
    return ranges;
}

std::vector<uint32_t> selected_pages(const ReadRequest& request, uint32_t pages) {
    std::vector<PageRange> ranges = request.pages;
    if (ranges.empty()) ranges.push_back({});
    std::sort(ranges.begin(), ranges.end(),
              [](const PageRange& left, const PageRange& right) { return left.first < right.first; });
    std::vector<uint32_t> selected;
    uint32_t next = 1;  // ranges may overlap
    for (const PageRange& range : ranges) {
        const uint32_t last = range.last == 0 ? pages : std::min(range.last, pages);
        for (uint32_t page = std::max(range.first, next); page <= last; ++page) selected.push_back(page);
        next = std::max(next, last + 1);
    }
    return selected;
}

std::vector<uint32_t> pages_to_read(const ReadRequest& request, uint32_t pages) {
    const std::set<uint32_t> done(request.done.begin(), request.done.end());
    std::vector<uint32_t> to_read;
    uint32_t counted = 0;
    for (uint32_t page : selected_pages(request, pages)) {
        if (!request.task.contains(page)) continue;
        if (request.task_pages != 0 && ++counted > request.task_pages) break;
        if (done.count(page) == 0) to_read.push_back(page);
    }
    return to_read;
}

}  // namespace pg_ocr
