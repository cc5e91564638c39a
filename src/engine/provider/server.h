// A provider that is a foreign server: the engine, which has no network, asks its worker, and makes lines and blocks of
// the words that come.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "document/document.h"
#include "engine/layout/models.h"
#include "engine/read/reader.h"
#include "protocol/message.h"

namespace pg_ocr {

using AskServer = std::function<ProviderAnswer(const Ask&)>;

/// What a server reads on an image, in its pixels; tells the image's ink. The models are those of the languages: their
/// dictionaries know familiar words. Throws DocumentError with what the server, or the worker about it, says.
Layout read_by_server(const std::string& server, uint32_t page_no, PageImage&, const std::string& languages,
                      const std::vector<const Model*>&, const AskServer&, std::chrono::steady_clock::time_point until);

/// Words as a server has them, gathered to lines and blocks. What lies outside the page, has no area or no text is left
/// out; a text with blanks is so many words.
Layout layout_of_words(const std::vector<Word>&, const Box& page, const std::vector<const Model*>&);

}  // namespace pg_ocr
