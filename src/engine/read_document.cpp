#include "engine/read_document.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <new>
#include <optional>
#include <vector>

#include "engine/draw/page_image.h"
#include "engine/fallback/fallback.h"
#include "engine/layout/ink.h"
#include "engine/layout/own_layout.h"
#include "engine/layout/page_in_tesseract.h"
#include "engine/layout/tesseract_layout.h"
#include "engine/provider/provider.h"
#include "engine/provider/server.h"
#include "engine/read/document_type.h"
#include "engine/read/pdf.h"
#include "engine/read/reader.h"
#include "engine/tables/tables.h"
#include "engine/triage/page_estimate.h"
#include "engine/write/layout_json.h"
#include "engine/write/page_text.h"

namespace pg_ocr {
namespace {

/// The end of so many milliseconds from now; of 0, which means no limit, a time that does not come.
Clock::time_point deadline_in(int64_t ms) {
    constexpr std::chrono::hours never(24 * 365);
    return Clock::now() + (ms > 0 ? Clock::duration(std::chrono::milliseconds(ms)) : Clock::duration(never));
}

/// Before the JSON is made: a page's worth of it is many times as long as its text.
void check_amount(const Page& page, const Limits& limits) {
    if (limits.page_words != 0 && page.words > limits.page_words)
        throw DocumentError(ErrorCode::too_much_text,
                            "the page has " + std::to_string(page.words) + " words, and pg_ocr.max_page_words is " +
                                std::to_string(limits.page_words) + "; raise it if such pages are to be read");
    if (limits.page_text != 0 && page.text.size() > limits.page_text)
        throw DocumentError(ErrorCode::too_much_text, "the page has " + std::to_string(page.text.size()) +
                                                          " bytes of text, and pg_ocr.max_page_text is " +
                                                          std::to_string(limits.page_text) +
                                                          "; raise it if such pages are to be read");
}

void write_layout(Page& page, const Layout& layout, const ReadRequest& request) {
    page.text = page_text(layout);
    page.words = word_count(layout);
    check_amount(page, request.limits);
    if (request.tier != Tier::fast || request.debug) page.layout = layout_json(layout);
}

/// What keeps a page from being drawn costs its picture, and not the page that was read.
void keep_picture(Page& page, const std::function<PageImage()>& image_of_page) {
    try {
        PageImage image = image_of_page();
        page.picture = picture_of(std::move(image.pixels), image.dpi);
    } catch (const DocumentError&) {
    } catch (const std::bad_alloc&) {
    }
}

/// True when the page's own text is its outcome.
bool take_text_layer(Page& page, Reader& reader, const ReadRequest& request) {
    if (request.text_layer == TextLayer::ignore) return false;
    std::optional<PageText> text = reader.text_of(page.page_no);
    if (!text) return false;
    page.source = PageSource::text_layer;
    page.width = text->width;
    page.height = text->height;
    page.dpi = text->dpi;
    page.rotation = text->rotation;
    if (request.tier == Tier::accurate) {
        const PageImage image = reader.image_under_text(page.page_no);
        text->layout.tables = tables_of(text->layout, image.pixels.get(), image.dpi);
    }
    write_layout(page, text->layout, request);
    if (page.words > 0) page.confidence = estimate_of_text_layer(text->uncovered);
    if (request.debug) keep_picture(page, [&] { return reader.image_under_text(page.page_no); });
    return true;
}

void load_models(Recognisers& recognisers, Recogniser recogniser, const std::string& languages, int32_t mode) {
    if (recogniser == Recogniser::tesseract)
        recognisers.for_languages(languages);
    else
        recognisers.layout_for(languages, mode);
}

/// Of the first provider that is within the engine: most often no other is needed.
void load_models(const ReadRequest& request, Recognisers& recognisers) {
    for (const std::string& provider : request.providers)
        if (const std::optional<Recogniser> recogniser = recogniser_named(provider))
            return load_models(recognisers, *recogniser, request.languages, request.page_segmentation_mode);
}

Layout layout_of(PageImage& image, const Treatment& treatment, const std::string& languages, Recogniser recogniser,
                 Recognisers& recognisers, Clock::time_point until) {
    const int32_t mode = treatment.page_segmentation_mode;
    if (treatment.models == ModelKind::best)
        return recognise_page(recognisers.best().for_languages(languages), image, mode, until);
    if (recogniser == Recogniser::tesseract)
        return recognise_page(recognisers.for_languages(languages), image, mode, until);
    tesseract::TessBaseAPI& layout = recognisers.layout_for(languages, mode);
    return read_page(layout, recognisers.models().for_languages(languages), image, mode, until, treatment.lines_by);
}

/// How a server gets the page: as the best reading so far has it, so that it need not find out anew how it lies.
Treatment treatment_for_server(const ReadRequest& request, const PageReading* best, const PageImage& image) {
    Treatment treatment;
    if (best != nullptr && best->words > 0) {
        treatment.turn = best->treatment.turn;
        treatment.inverted = best->treatment.inverted;
        treatment.skew = best->treatment.skew;
    } else if (request.deskew) {
        treatment.skew = skew_of(black_on_white(image.pixels.get()).get()).degrees;
    }
    return treatment;
}

BestReading read_by_server(const std::string& server, uint32_t page_no, Reader& reader, const ReadRequest& request,
                           const PageReading* best, Recognisers& recognisers, ReadEvents& events,
                           Clock::time_point until) {
    const Clock::time_point begin = Clock::now();
    PageImage image = reader.image_of(page_no);
    BestReading read;
    read.reading = read_as(
        image, treatment_for_server(request, best, image),
        [&](PageImage& treated, const Treatment&, Clock::time_point end) {
            return read_by_server(
                server, page_no, treated, request.languages, recognisers.models().for_languages(request.languages),
                [&](const Ask& ask) { return events.ask(ask); }, end);
        },
        until);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
    read.tries.push_back({"as it is", read.reading.estimate, read.reading.words, ms, false, {}});
    return read;
}

void recognise(Page& page, Reader& reader, const ReadRequest& request, Recognisers& recognisers, ReadEvents& events,
               Clock::time_point until) {
    ProvidersReading read =
        read_by_providers(request, [&](const std::string& provider, const PageReading* best_so_far) {
            const std::optional<Recogniser> recogniser = recogniser_named(provider);
            if (!recogniser) {
                // A silent one leaves time for those that follow.
                const Clock::time_point now = Clock::now();
                const Clock::time_point end = provider == request.providers.back() ? until : now + (until - now) / 2;
                return read_by_server(provider, page.page_no, reader, request, best_so_far, recognisers, events, end);
            }
            const Means means{[&] { return reader.image_of(page.page_no); },
                              [&](PageImage& image, const Treatment& treatment, Clock::time_point end) {
                                  return layout_of(image, treatment, request.languages, *recogniser, recognisers, end);
                              },
                              recognisers.best().has(request.languages)};
            return read_in_ways(means, request, until);
        });
    PageReading& reading = read.best.reading;
    const auto image_as_read = [&] {
        return treated(reader.image_of(page.page_no), in_page_pixels(reading.treatment));
    };
    if (request.tier == Tier::accurate) {
        const PageImage image = image_as_read();
        reading.layout.tables = tables_of(reading.layout, image.pixels.get(), image.dpi);
    }
    page.source = PageSource::ocr;
    page.provider = read.provider;
    page.width = reading.width;
    page.height = reading.height;
    page.dpi = reading.dpi;
    page.rotation = reading.rotation;
    page.skew = reading.treatment.skew;
    page.confidence = reading.estimate;
    page.mean_confidence = reading.mean_confidence;
    page.tried = tried_json(read.best.tries);
    write_layout(page, reading.layout, request);
    if (request.debug) keep_picture(page, image_as_read);
}

void read_page(Page& page, Reader& reader, const ReadRequest& request, Recognisers& recognisers, ReadEvents& events,
               Clock::time_point until) {
    if (take_text_layer(page, reader, request)) return;
    if (request.text_layer == TextLayer::only) {
        page.status = PageStatus::skipped;
        page.failure = {ErrorCode::no_text_layer,
                        "the page has no sound text layer; submit with text_layer => 'auto' to have it read by OCR"};
        return;
    }
    recognise(page, reader, request, recognisers, events, until);
}

Page failed_page(uint32_t page_no, Failure failure) {
    Page page;
    page.page_no = page_no;
    page.status = PageStatus::failed;
    page.failure = std::move(failure);
    return page;
}

/// Never throws for what the page holds: that is its outcome. Throws DocumentError page_timeout, document_timeout, or
/// provider_unavailable, which may pass.
Page page_outcome(uint32_t page_no, Reader& reader, const ReadRequest& request, Recognisers& recognisers,
                  ReadEvents& events, Clock::time_point document_deadline) {
    if (Clock::now() >= document_deadline) throw DocumentError(document_timed_out(request.limits));
    const Clock::time_point begin = Clock::now();
    const Clock::time_point page_deadline = deadline_in(request.limits.page_time_ms);
    Page page;
    page.page_no = page_no;
    try {
        read_page(page, reader, request, recognisers, events, std::min(page_deadline, document_deadline));
    } catch (const TimeIsUp&) {
        throw DocumentError(document_deadline <= page_deadline ? document_timed_out(request.limits)
                                                               : page_timed_out(request.limits));
    } catch (const DocumentError& error) {
        if (error.failure.code == ErrorCode::provider_unavailable) throw;
        page = failed_page(page_no, error.failure);
    } catch (const std::bad_alloc&) {
        page = failed_page(page_no, page_out_of_memory());
    } catch (const std::exception& error) {
        page = failed_page(page_no, {ErrorCode::page_damaged, std::string("the page cannot be read: ") + error.what()});
    }
    const Clock::duration elapsed = Clock::now() - begin;
    page.elapsed_ms = static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count());
    return page;
}

}  // namespace

void warm_up(Recognisers& recognisers, const std::string& languages, Recogniser recogniser) {
    setMsgSeverity(L_SEVERITY_NONE);  // what is wrong with an image is its submitter's affair, not the server log's
    warm_up_pdf();
    load_models(recognisers, recogniser, languages, ReadRequest().page_segmentation_mode);
}

void read_document(const uint8_t* data, size_t size, const ReadRequest& request, Recognisers& recognisers,
                   ReadEvents& events) {
    const Clock::time_point deadline = deadline_in(request.limits.document_time_ms);
    Bytes bytes(data, size);
    DocumentType type = document_type(bytes);
    std::unique_ptr<Reader> reader = open_document(type, bytes, request);
    uint32_t pages = reader->pages();
    const size_t selected = selected_pages(request, pages).size();
    if (selected == 0)
        throw DocumentError(ErrorCode::no_pages_selected,
                            "pages selects none of the document's pages, which are 1 to " + std::to_string(pages));
    const Limits& limits = request.limits;
    const uint32_t most = limits.pages == 0 ? most_pages : std::min(limits.pages, most_pages);
    if (selected > most || pages > most_pages)
        throw DocumentError(ErrorCode::too_many_pages,
                            std::to_string(selected) + " pages are to be read, and pg_ocr.max_pages is " +
                                std::to_string(most) + "; raise it or submit the document in parts with pages => …");
    // A missing language is every page's fault; it is told before the first.
    if (request.text_layer != TextLayer::only) load_models(request, recognisers);
    events.opened({name_of(type), pages, static_cast<uint32_t>(selected)});
    for (uint32_t page_no : pages_to_read(request, pages)) {
        events.page_started(page_no);
        events.page_done(page_outcome(page_no, *reader, request, recognisers, events, deadline));
    }
}

}  // namespace pg_ocr
