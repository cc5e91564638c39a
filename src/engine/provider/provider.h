// Providers: whoever turns a page's pixels into words. Two are within the engine, Tesseract and our own recogniser; the
// others are foreign servers. Where one reads a page badly or not at all, the next of the request's list reads it.
#pragma once

#include <functional>
#include <string>

#include "engine/fallback/fallback.h"

namespace pg_ocr {

/// A page read by one provider; the best reading by those before it, or null. Throws DocumentError where it cannot read
/// it, TimeIsUp.
using ReadByProvider = std::function<BestReading(const std::string& provider, const PageReading* best)>;

struct ProvidersReading {
    BestReading best;  ///< with the tries of all
    std::string provider;
};

/// By the request's providers in their order, until one is good enough; in tier fast, until one has read it. Throws
/// where none has: DocumentError provider_unavailable where one may come back, else what the last one threw.
ProvidersReading read_by_providers(const ReadRequest&, const ReadByProvider&);

}  // namespace pg_ocr
